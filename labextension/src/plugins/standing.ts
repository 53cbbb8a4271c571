/** Tells whoever is let in no more while JupyterLab is open, so that nothing unsaved is lost. */
import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { PathExt } from '@jupyterlab/coreutils';
import { IDocumentManager } from '@jupyterlab/docmanager';
import { ITranslator } from '@jupyterlab/translation';
import { StandingWatch, standingUrl } from '../models/standing';
import { StandingNotice } from '../standingNotice';
import { translationOf } from '../tokens';

export const standingPlugin: JupyterFrontEndPlugin<void> = {
  id: '@fairihub/lab:standing',
  description: 'Says when the hub lets its user in no more, and when the server ends.',
  autoStart: true,
  requires: [IDocumentManager, ITranslator],
  activate: (app: JupyterFrontEnd, documents: IDocumentManager, translator: ITranslator): void => {
    const url = standingUrl();
    if (url === null) {
      return;
    }
    const saveAll = (): void => void app.commands.execute('docmanager:save-all');
    const download = (): void => downloadUnsaved(app, documents);
    const notice = new StandingNotice(translationOf(translator), saveAll, download);
    const watch = new StandingWatch(url);
    watch.told.connect((_, standing) => notice.show(standing));
    void app.restored.then(() => watch.start());
  }
};

/** Hands the browser each open document as it is on the screen, if the server has not got it so. */
function downloadUnsaved(app: JupyterFrontEnd, documents: IDocumentManager): void {
  for (const widget of app.shell.widgets('main')) {
    const context = documents.contextForWidget(widget);
    if (context?.model.dirty) {
      download(PathExt.basename(context.path), context.model.toString());
    }
  }
}

function download(name: string, text: string): void {
  const url = URL.createObjectURL(new Blob([text]));
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  // Not at once: some browsers begin to read only after the click.
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}
