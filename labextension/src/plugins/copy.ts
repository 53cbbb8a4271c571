/** The command that opens a copy, and the link that asks for it. */
import { IRouter, type JupyterFrontEnd, type JupyterFrontEndPlugin } from '@jupyterlab/application';
import { IDocumentManager } from '@jupyterlab/docmanager';
import { IDefaultFileBrowser } from '@jupyterlab/filebrowser';
import { ServerConnection } from '@jupyterlab/services';
import type { TranslationBundle } from '@jupyterlab/translation';
import { copyLinkOf, withoutCopy } from '../actions/deepLink';
import { openCopy } from '../actions/openCopy';
import { messageOf } from '../models/state';
import { tellError } from '../notices';
import { CommandIDs, ICatalog } from '../tokens';

export const copyPlugin: JupyterFrontEndPlugin<void> = {
  id: '@fairihub/lab:copy',
  description: 'Opens a copy of a notebook of the catalogue.',
  autoStart: true,
  requires: [ICatalog, IDocumentManager],
  optional: [IDefaultFileBrowser],
  activate: (
    app: JupyterFrontEnd,
    { api, trans }: ICatalog,
    documents: IDocumentManager,
    browser: IDefaultFileBrowser | null
  ): void => {
    const open = (path: string): void => void documents.openOrReveal(path);
    const refresh = (): void => void browser?.model.refresh();
    app.commands.addCommand(CommandIDs.openCopy, {
      label: trans.__('Open a copy of a catalogue notebook'),
      isVisible: () => false,
      describedBy: {
        args: {
          type: 'object',
          properties: { id: { type: 'string', description: 'The id in the catalogue' } },
          required: ['id']
        }
      },
      execute: args => openCopy(args.id as string, { api, open, refresh, trans })
    });
  }
};

export const linkPlugin: JupyterFrontEndPlugin<void> = {
  id: '@fairihub/lab:link',
  description: 'Follows /lab?copy=… links.',
  autoStart: true,
  requires: [ICatalog, IRouter, IDocumentManager],
  activate: (
    app: JupyterFrontEnd,
    { trans }: ICatalog,
    router: IRouter,
    documents: IDocumentManager
  ): void => {
    app.commands.addCommand(CommandIDs.followLink, {
      label: trans.__('Follow a link to a notebook'),
      isVisible: () => false,
      describedBy: { args: { type: 'object', properties: {} } },
      execute: async args => {
        const { search } = args as unknown as IRouter.ILocation;
        await app.restored;
        const { path, search: query, hash } = router.current;
        router.navigate(withoutCopy(path, query ?? '', hash ?? ''), { skipRouting: true });
        await follow(search ?? '', app, documents, trans);
      }
    });
    router.register({ command: CommandIDs.followLink, pattern: /[?&]copy=/ });
  }
};

async function follow(
  search: string,
  app: JupyterFrontEnd,
  documents: IDocumentManager,
  trans: TranslationBundle
): Promise<void> {
  const link = copyLinkOf(search);
  if (link?.kind === 'id') {
    await app.commands.execute(CommandIDs.openCopy, { id: link.value });
  } else if (link) {
    try {
      await documents.services.contents.get(link.value, { content: false });
      documents.openOrReveal(link.value);
    } catch (error) {
      const missing =
        error instanceof ServerConnection.ResponseError && error.response.status === 404;
      tellError(
        missing
          ? trans.__('There is no “%1” in your home folder.', link.value)
          : trans.__('“%1” cannot be opened: %2', link.value, messageOf(error))
      );
    }
  }
}
