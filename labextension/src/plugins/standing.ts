/** Tells whoever is let in no more while JupyterLab is open, so that nothing unsaved is lost. */
import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ITranslator } from '@jupyterlab/translation';
import { StandingWatch, standingUrl } from '../models/standing';
import { StandingNotice } from '../standingNotice';
import { translationOf } from '../tokens';

export const standingPlugin: JupyterFrontEndPlugin<void> = {
  id: '@fairihub/lab:standing',
  description: 'Says when the hub lets its user in no more, and when the server ends.',
  autoStart: true,
  requires: [ITranslator],
  activate: (app: JupyterFrontEnd, translator: ITranslator): void => {
    const url = standingUrl();
    if (url === null) {
      return;
    }
    const saveAll = (): void => void app.commands.execute('docmanager:save-all');
    const notice = new StandingNotice(translationOf(translator), saveAll);
    const watch = new StandingWatch(url);
    watch.told.connect((_, standing) => notice.show(standing));
    void app.restored.then(() => watch.start());
  }
};
