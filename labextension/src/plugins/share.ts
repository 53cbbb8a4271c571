/** “Share notebook…” for the notebook in front and for the one chosen in the file browser. */
import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ICommandPalette } from '@jupyterlab/apputils';
import { IFileBrowserFactory } from '@jupyterlab/filebrowser';
import { INotebookTracker, type NotebookPanel } from '@jupyterlab/notebook';
import type { Contents } from '@jupyterlab/services';
import { type IShareSource, type NotebookMetadata, share } from '../actions/share';
import { shareIcon } from '../icons';
import { CommandIDs, ICatalog } from '../tokens';

export const sharePlugin: JupyterFrontEndPlugin<void> = {
  id: '@fairihub/lab:share',
  description: 'Shares a notebook with the curators of a team.',
  autoStart: true,
  requires: [ICatalog, INotebookTracker],
  optional: [IFileBrowserFactory, ICommandPalette],
  activate: (
    app: JupyterFrontEnd,
    { api, session, trans }: ICatalog,
    tracker: INotebookTracker,
    browsers: IFileBrowserFactory | null,
    palette: ICommandPalette | null
  ): void => {
    const contents = app.serviceManager.contents;
    const chosen = (): string | null => chosenNotebook(browsers);
    const showMine = (): void => void app.commands.execute(CommandIDs.myContributions);
    app.commands.addCommand(CommandIDs.share, {
      label: trans.__('Share notebook…'),
      caption: trans.__('Put this notebook before the curators of your team'),
      icon: args => (args.fromBrowser ? shareIcon : undefined),
      isVisible: () => session.hub,
      isEnabled: args =>
        session.hub && (args.fromBrowser ? chosen() !== null : tracker.currentWidget !== null),
      describedBy: {
        args: {
          type: 'object',
          properties: {
            fromBrowser: {
              type: 'boolean',
              description: 'The notebook chosen in the file browser, not the one in front'
            }
          }
        }
      },
      execute: async args => {
        const path = args.fromBrowser ? chosen() : tracker.currentWidget?.context.path;
        if (path) {
          const source = await sourceOf(path, tracker, contents);
          await share(source, { api, session, showMine, trans });
        }
      }
    });
    palette?.addItem({ command: CommandIDs.share, category: trans.__('Notebook Catalog') });
  }
};

/** The one notebook that is chosen in the file browser. */
function chosenNotebook(browsers: IFileBrowserFactory | null): string | null {
  const items = [...(browsers?.tracker.currentWidget?.selectedItems() ?? [])];
  return items.length === 1 && items[0].type === 'notebook' ? items[0].path : null;
}

/** The notebook as it is on the screen, or else in its file. */
async function sourceOf(
  path: string,
  tracker: INotebookTracker,
  contents: Contents.IManager
): Promise<IShareSource> {
  const panel = tracker.find(widget => widget.context.path === path);
  const local = contents.localPath(path);
  if (panel) {
    const metadata = panel.context.model.sharedModel.metadata as NotebookMetadata;
    return { path: local, metadata, save: () => saved(panel) };
  }
  const file = (await contents.get(path)).content as { metadata?: NotebookMetadata };
  return { path: local, metadata: file.metadata ?? {}, save: () => Promise.resolve() };
}

async function saved(panel: NotebookPanel): Promise<void> {
  if (panel.context.model.dirty) {
    await panel.context.save();
  }
}
