package main

import (
	"context"
	"fmt"
	"log"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	core "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/errors"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	corelisters "k8s.io/client-go/listers/core/v1"
	storagelisters "k8s.io/client-go/listers/storage/v1"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/clientcmd"
)

const (
	provisionerName = "fairihub.test/folder"
	wantedFrom      = "volume.kubernetes.io/storage-provisioner"
	madeBy          = "pv.kubernetes.io/provisioned-by"
)

// provisioner makes volumes of folders on this machine. They are "local" volumes, since Kubernetes
// gives those to the group of the pod (fsGroup) as it does with real disks, and host paths not.
type provisioner struct {
	client  kubernetes.Interface
	folder  string
	node    string
	claims  corelisters.PersistentVolumeClaimLister
	volumes corelisters.PersistentVolumeLister
	classes storagelisters.StorageClassLister
}

func newVolumesCommand() *cobra.Command {
	p := &provisioner{}
	var kubeconfig string
	command := &cobra.Command{
		Use: "kube-volumes",
		RunE: func(*cobra.Command, []string) error {
			config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
			if err != nil {
				return err
			}
			if p.client, err = kubernetes.NewForConfig(config); err != nil {
				return err
			}
			ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
			defer stop()
			return p.run(ctx)
		},
	}
	command.Flags().StringVar(&kubeconfig, "kubeconfig", "", "how to reach the API server")
	command.Flags().StringVar(&p.folder, "folder", "", "where the volumes are made")
	command.Flags().StringVar(&p.node, "node", "", "the node that has the folder")
	return command
}

// run looks at all claims and volumes after each change, and once a second in any case.
func (p *provisioner) run(ctx context.Context) error {
	factory := informers.NewSharedInformerFactory(p.client, 0)
	claims := factory.Core().V1().PersistentVolumeClaims()
	volumes := factory.Core().V1().PersistentVolumes()
	p.claims, p.volumes = claims.Lister(), volumes.Lister()
	p.classes = factory.Storage().V1().StorageClasses().Lister()
	changed := make(chan struct{}, 1)
	note := func() {
		select {
		case changed <- struct{}{}:
		default:
		}
	}
	handler := cache.ResourceEventHandlerFuncs{
		AddFunc:    func(any) { note() },
		UpdateFunc: func(any, any) { note() },
	}
	for _, informer := range []cache.SharedIndexInformer{claims.Informer(), volumes.Informer()} {
		if _, err := informer.AddEventHandler(handler); err != nil {
			return err
		}
	}
	factory.Start(ctx.Done())
	factory.WaitForCacheSync(ctx.Done())
	for {
		p.look(ctx)
		select {
		case <-ctx.Done():
			return nil
		case <-changed:
		case <-time.After(time.Second):
		}
	}
}

func (p *provisioner) look(ctx context.Context) {
	claims, _ := p.claims.List(labels.Everything())
	for _, claim := range claims {
		if claim.Annotations[wantedFrom] == provisionerName && claim.Spec.VolumeName == "" &&
			claim.DeletionTimestamp == nil {
			if err := p.provide(ctx, claim); err != nil {
				log.Printf("%s/%s: %v", claim.Namespace, claim.Name, err)
			}
		}
	}
	volumes, _ := p.volumes.List(labels.Everything())
	for _, volume := range volumes {
		if volume.Annotations[madeBy] == provisionerName &&
			volume.Status.Phase == core.VolumeReleased && volume.DeletionTimestamp == nil &&
			volume.Spec.PersistentVolumeReclaimPolicy == core.PersistentVolumeReclaimDelete {
			if err := p.remove(ctx, volume); err != nil {
				log.Printf("%s: %v", volume.Name, err)
			}
		}
	}
}

// provide makes the volume for a claim; its name follows from the claim, so that it is made once.
func (p *provisioner) provide(ctx context.Context, claim *core.PersistentVolumeClaim) error {
	name := "pvc-" + string(claim.UID)
	if _, err := p.volumes.Get(name); err == nil || claim.Spec.StorageClassName == nil {
		return nil
	}
	class, err := p.classes.Get(*claim.Spec.StorageClassName)
	if err != nil {
		return err
	}
	size := claim.Spec.Resources.Requests[core.ResourceStorage]
	path := filepath.Join(p.folder, name)
	if err := makeFolder(path, size.Value(), class.Parameters["full"] == "at-its-size"); err != nil {
		return err
	}
	volume := &core.PersistentVolume{
		ObjectMeta: meta.ObjectMeta{
			Name:        name,
			Annotations: map[string]string{madeBy: provisionerName},
		},
		Spec: core.PersistentVolumeSpec{
			Capacity:                      core.ResourceList{core.ResourceStorage: size},
			AccessModes:                   claim.Spec.AccessModes,
			PersistentVolumeReclaimPolicy: *class.ReclaimPolicy,
			StorageClassName:              class.Name,
			PersistentVolumeSource: core.PersistentVolumeSource{
				Local: &core.LocalVolumeSource{Path: path},
			},
			NodeAffinity: p.onlyHere(),
			ClaimRef: &core.ObjectReference{
				APIVersion: "v1", Kind: "PersistentVolumeClaim",
				Namespace: claim.Namespace, Name: claim.Name, UID: claim.UID,
			},
		},
	}
	_, err = p.client.CoreV1().PersistentVolumes().Create(ctx, volume, meta.CreateOptions{})
	if errors.IsAlreadyExists(err) {
		return nil
	}
	return err
}

// makeFolder makes a folder that belongs to root, as a new disk does; one that can become full is
// a file system of its own.
func makeFolder(path string, size int64, canBeFull bool) error {
	err := os.Mkdir(path, 0o755)
	if os.IsExist(err) {
		return nil
	}
	if err != nil || !canBeFull {
		return err
	}
	return syscall.Mount(path, path, "tmpfs", 0, fmt.Sprintf("size=%d,mode=0755", size))
}

func (p *provisioner) onlyHere() *core.VolumeNodeAffinity {
	return &core.VolumeNodeAffinity{Required: &core.NodeSelector{
		NodeSelectorTerms: []core.NodeSelectorTerm{{
			MatchExpressions: []core.NodeSelectorRequirement{{
				Key: core.LabelHostname, Operator: core.NodeSelectorOpIn, Values: []string{p.node},
			}},
		}},
	}}
}

func (p *provisioner) remove(ctx context.Context, volume *core.PersistentVolume) error {
	path := filepath.Join(p.folder, volume.Name)
	_ = syscall.Unmount(path, syscall.MNT_DETACH) // only those of an enforced size are mounted
	if err := os.RemoveAll(path); err != nil {
		return err
	}
	err := p.client.CoreV1().PersistentVolumes().Delete(ctx, volume.Name, meta.DeleteOptions{})
	if errors.IsNotFound(err) {
		return nil
	}
	return err
}
