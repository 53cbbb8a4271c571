/** Makes the catalogue known to the other plugins. */
import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ITranslator } from '@jupyterlab/translation';
import { CatalogApi } from '../api';
import { myContributions } from '../models/contributions';
import { Session } from '../models/session';
import { ICatalog, translationOf } from '../tokens';

export const catalogPlugin: JupyterFrontEndPlugin<ICatalog> = {
  id: '@fairihub/lab:catalog',
  description: 'The catalogue of notebooks, as this server passes it on.',
  autoStart: true,
  requires: [ITranslator],
  provides: ICatalog,
  activate: (app: JupyterFrontEnd, translator: ITranslator): ICatalog => {
    const api = new CatalogApi(app.serviceManager.serverSettings);
    const session = new Session(api);
    return { api, session, mine: myContributions(api), trans: translationOf(translator) };
  }
};
