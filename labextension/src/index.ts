/** The plugins of the notebook catalogue for JupyterLab. */
import { catalogPlugin } from './plugins/catalog';
import { copyPlugin, linkPlugin } from './plugins/copy';
import { launcherPlugin } from './plugins/launcher';
import { panelPlugin } from './plugins/panel';
import { sharePlugin } from './plugins/share';

export default [catalogPlugin, panelPlugin, launcherPlugin, copyPlugin, linkPlugin, sharePlugin];
