/** The tile on the launcher, under the catalogue's own name. */
import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ILauncher } from '@jupyterlab/launcher';
import type { IDisposable } from '@lumino/disposable';
import { CommandIDs, ICatalog } from '../tokens';

export const launcherPlugin: JupyterFrontEndPlugin<void> = {
  id: '@fairihub/lab:launcher',
  description: 'The launcher tile of the notebook catalogue.',
  autoStart: true,
  requires: [ICatalog, ILauncher],
  activate: (_: JupyterFrontEnd, { session, trans }: ICatalog, launcher: ILauncher): void => {
    let category = '';
    let tile: IDisposable | null = null;
    const place = (): void => {
      const name = session.name(trans.__('Notebook Catalog'));
      if (name !== category) {
        tile?.dispose();
        tile = launcher.add({
          command: CommandIDs.openCatalog,
          category: name,
          // Before the kernels: categories of one's own come last, below the edge of the screen.
          categoryRank: -1,
          rank: 0
        });
        category = name;
      }
    };
    place();
    session.changed.connect(place);
  }
};
