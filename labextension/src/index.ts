/** The plugins for JupyterLab: the notebook catalogue, and word of who is let in no more. */
import { catalogPlugin } from './plugins/catalog';
import { copyPlugin, linkPlugin } from './plugins/copy';
import { launcherPlugin } from './plugins/launcher';
import { panelPlugin } from './plugins/panel';
import { sharePlugin } from './plugins/share';
import { standingPlugin } from './plugins/standing';

export default [
  catalogPlugin,
  panelPlugin,
  launcherPlugin,
  copyPlugin,
  linkPlugin,
  sharePlugin,
  standingPlugin
];
