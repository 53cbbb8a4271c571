/** The panel in the main area, and the commands that lead to its sections. */
import {
  ILayoutRestorer,
  type JupyterFrontEnd,
  type JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { ICommandPalette, MainAreaWidget, WidgetTracker } from '@jupyterlab/apputils';
import { ISettingRegistry } from '@jupyterlab/settingregistry';
import type { TranslationBundle } from '@jupyterlab/translation';
import { catalogIcon } from '../icons';
import { CatalogPanel } from '../panel';
import { followPanelSettings } from '../settings';
import { CommandIDs, ICatalog } from '../tokens';
import type { Section } from '../models/panel';

export const panelPlugin: JupyterFrontEndPlugin<void> = {
  id: '@fairihub/lab:plugin',
  description: 'The panel of the notebook catalogue.',
  autoStart: true,
  requires: [ICatalog],
  optional: [ICommandPalette, ILayoutRestorer, ISettingRegistry],
  activate: (
    app: JupyterFrontEnd,
    catalog: ICatalog,
    palette: ICommandPalette | null,
    restorer: ILayoutRestorer | null,
    settings: ISettingRegistry | null
  ): void => {
    const room = new PanelRoom(app, catalog);
    addSectionCommands(app, catalog, room);
    addToPalette(palette, catalog.trans);
    void restorer?.restore(room.tracker, {
      command: CommandIDs.openCatalog,
      name: () => 'catalog'
    });
    if (settings) {
      void followPanelSettings(app, settings, room);
    }
    void learnName(app, catalog);
  }
};

/** Where the panel lives: at most one at a time, made when it is first asked for. */
export class PanelRoom {
  readonly tracker = new WidgetTracker<MainAreaWidget<CatalogPanel>>({ namespace: 'fairihub' });

  constructor(
    private readonly _app: JupyterFrontEnd,
    private readonly _catalog: ICatalog
  ) {}

  get pageSize(): number {
    return this._pageSize;
  }

  set pageSize(size: number) {
    this._pageSize = size;
    this.tracker.forEach(widget => widget.content.setPageSize(size));
  }

  /** The panel in front, at `section`. */
  show(section: Section): MainAreaWidget<CatalogPanel> {
    const { shell } = this._app;
    const widget = this.tracker.currentWidget ?? this._make();
    if (!widget.isAttached) {
      shell.add(widget, 'main', { type: 'Catalog' });
    }
    widget.content.turnTo(section);
    shell.activateById(widget.id);
    return widget;
  }

  private _make(): MainAreaWidget<CatalogPanel> {
    const { commands } = this._app;
    const openCopy = async (id: string): Promise<void> =>
      void (await commands.execute(CommandIDs.openCopy, { id }));
    const content = new CatalogPanel(this._catalog, openCopy, this._pageSize);
    const widget = new MainAreaWidget({ content });
    widget.id = 'fairihub-catalog';
    widget.title.closable = true;
    widget.title.icon = catalogIcon;
    const { session, trans } = this._catalog;
    const rename = (): void => {
      widget.title.label = session.name(trans.__('Notebook Catalog'));
    };
    rename();
    session.changed.connect(rename);
    widget.disposed.connect(() => session.changed.disconnect(rename));
    void this.tracker.add(widget);
    return widget;
  }

  private _pageSize = 50;
}

function addSectionCommands(app: JupyterFrontEnd, catalog: ICatalog, room: PanelRoom): void {
  const { session, trans } = catalog;
  app.commands.addCommand(CommandIDs.openCatalog, {
    label: () => session.name(trans.__('Notebook Catalog')),
    caption: trans.__('Find notebooks to open a copy of'),
    icon: catalogIcon,
    describedBy: { args: { type: 'object', properties: {} } },
    execute: () => room.show('catalog')
  });
  app.commands.addCommand(CommandIDs.myContributions, {
    label: trans.__('My contributions'),
    caption: trans.__('What became of the notebooks you shared'),
    isVisible: () => session.hub,
    isEnabled: () => session.hub,
    describedBy: { args: { type: 'object', properties: {} } },
    execute: () => room.show('mine')
  });
  app.commands.addCommand(CommandIDs.review, {
    label: trans.__('Review contributions'),
    caption: trans.__('Publish or decline what members of your teams share'),
    isVisible: () => session.curated.length > 0,
    isEnabled: () => session.curated.length > 0,
    describedBy: { args: { type: 'object', properties: {} } },
    execute: () => room.show('review')
  });
}

function addToPalette(palette: ICommandPalette | null, trans: TranslationBundle): void {
  const category = trans.__('Notebook Catalog');
  for (const command of [CommandIDs.openCatalog, CommandIDs.myContributions, CommandIDs.review]) {
    palette?.addItem({ command, category });
  }
}

/** Ask who this server is and who is asking; the commands' names and visibility follow. */
async function learnName({ commands }: JupyterFrontEnd, { session }: ICatalog): Promise<void> {
  session.changed.connect(() => commands.notifyCommandChanged());
  try {
    if ((await session.loadSettings()).hub) {
      await session.loadMe();
    }
  } catch (error) {
    // The panel says it in words when it is opened.
    console.warn('The notebook catalogue does not answer yet.', error);
  }
}
