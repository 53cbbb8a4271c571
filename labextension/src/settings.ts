/** The member's own settings of the panel. */
import type { JupyterFrontEnd } from '@jupyterlab/application';
import type { ISettingRegistry } from '@jupyterlab/settingregistry';
import { CommandIDs } from './tokens';

const PLUGIN = '@fairihub/lab:plugin';

/** Follow the page size; once, at start, show the panel if it should be shown. */
export async function followPanelSettings(
  app: JupyterFrontEnd,
  registry: ISettingRegistry,
  room: { pageSize: number }
): Promise<void> {
  const settings = await registry.load(PLUGIN);
  const follow = (): void => {
    room.pageSize = settings.get('pageSize').composite as number;
  };
  follow();
  settings.changed.connect(follow);
  await app.restored;
  if (settings.get('showAtStart').composite) {
    await app.commands.execute(CommandIDs.openCatalog);
  }
}
