/** The models: what they ask, what they keep, what they drop. */
import { ApiError } from '../src/api';
import { CatalogModel, isNarrowed } from '../src/models/catalog';
import { contributionsToReview, myContributions } from '../src/models/contributions';
import { PanelModel } from '../src/models/panel';
import { Session } from '../src/models/session';
import type { IMe, INotebookPage, INotebookQuery, IServerSettings } from '../src/types';
import { apiWith, contribution, Later, notebook, page } from './samples';

const SETTINGS: IServerSettings = {
  catalog_name: 'Our Catalog',
  hub: true,
  team: 'uc4',
  profile: 'uc4.small',
  hub_home: '/hub/home'
};
const ADA: IMe = {
  login: 'ada',
  catalog_name: 'Our Catalog',
  hub: true,
  teams: [
    { name: 'uc4', curator: true },
    { name: 'uc5', curator: false }
  ]
};

test('an answer to an earlier question is dropped', async () => {
  const answers = [new Later<INotebookPage>(), new Later<INotebookPage>()];
  const left = [...answers];
  const model = new CatalogModel(apiWith({ notebooks: () => left.shift()!.promise }));
  const first = model.refresh();
  const second = model.toggleTag('trees');
  answers[1].resolve(page(notebook({ id: 'new' })));
  answers[0].resolve(page(notebook({ id: 'old' })));
  await Promise.all([first, second]);
  expect(model.state.notebooks.map(({ id }) => id)).toEqual(['new']);
});

test('typing asks once, for the last word', async () => {
  jest.useFakeTimers();
  const asked: INotebookQuery[] = [];
  const notebooks = (query: INotebookQuery) => {
    asked.push(query);
    return Promise.resolve(page());
  };
  const model = new CatalogModel(apiWith({ notebooks }));
  ['h', 'he', 'heat'].forEach(text => model.search(text));
  await jest.advanceTimersByTimeAsync(1000);
  jest.useRealTimers();
  expect(asked.map(({ text }) => text)).toEqual(['heat']);
});

test('the next page is appended, a new question starts anew', async () => {
  const offsets: number[] = [];
  const notebooks = (_: INotebookQuery, _limit: number, offset: number) => {
    offsets.push(offset);
    const found = [offset, offset + 1].map(number => notebook({ id: `n${number}` }));
    return Promise.resolve({ ...page(...found), total: 4 });
  };
  const model = new CatalogModel(apiWith({ notebooks }), 2);
  await model.refresh();
  await model.more();
  expect(model.state.notebooks.map(({ id }) => id)).toEqual(['n0', 'n1', 'n2', 'n3']);
  await model.chooseTeam('uc4');
  expect(model.state.notebooks).toHaveLength(2);
  expect(offsets).toEqual([0, 2, 0]);
});

test.each([
  [new ApiError('', 'offline', 0), { kind: 'offline' }],
  [new ApiError('Not now.', 'away', 503), { kind: 'failed', message: 'Not now.' }]
])('a failure keeps what was found: %s', async (error, progress) => {
  const answers = [() => Promise.resolve(page(notebook())), () => Promise.reject(error)];
  const model = new CatalogModel(apiWith({ notebooks: () => answers.shift()!() }));
  await model.refresh();
  await model.refresh();
  expect(model.state.progress).toEqual(progress);
  expect(model.state.notebooks).toHaveLength(1);
});

test('a tag is switched on and off', async () => {
  const model = new CatalogModel(apiWith({ notebooks: () => Promise.resolve(page()) }));
  await model.toggleTag('trees');
  expect(isNarrowed(model.state.query)).toBe(true);
  await model.toggleTag('trees');
  expect(isNarrowed(model.state.query)).toBe(false);
});

test('a disposed model says nothing more', async () => {
  const answer = new Later<INotebookPage>();
  const model = new CatalogModel(apiWith({ notebooks: () => answer.promise }));
  const loading = model.refresh();
  const heard = jest.fn();
  model.changed.connect(heard);
  model.dispose();
  answer.resolve(page(notebook()));
  await loading;
  expect(heard).not.toHaveBeenCalled();
});

test('a curator reviews what is submitted in the curated teams only, newest first', async () => {
  const contributionsOf = jest.fn(() =>
    Promise.resolve([
      contribution({ cid: 'old', submitted: '2026-01-01T00:00:00Z' }),
      contribution({ cid: 'done', state: 'published' }),
      contribution({ cid: 'new', submitted: '2026-02-01T00:00:00Z' })
    ])
  );
  const model = contributionsToReview(apiWith({ contributionsOf }), () => ['uc4']);
  await model.refresh();
  expect(contributionsOf.mock.calls).toEqual([['uc4']]);
  expect(model.state.contributions.map(({ cid }) => cid)).toEqual(['new', 'old']);
});

test('after a decision the list is asked again, even when it was refused', async () => {
  const refusal = new ApiError('Somebody was faster.', 'decided-already', 409);
  const mine = jest.fn(() => Promise.resolve([contribution({ state: 'published' })]));
  const model = myContributions(apiWith({ mine, decide: () => Promise.reject(refusal) }));
  await expect(model.decide('c1', 'withdraw')).rejects.toBe(refusal);
  expect(model.state.contributions[0].state).toBe('published');
});

describe('the sections of the panel', () => {
  function panelFor(settings: IServerSettings, me: IMe) {
    const nothing = () => Promise.resolve([]);
    const api = apiWith({
      settings: () => Promise.resolve(settings),
      me: () => Promise.resolve(me),
      notebooks: () => Promise.resolve(page()),
      mine: nothing,
      contributionsOf: nothing
    });
    const session = new Session(api);
    const lists = {
      catalog: new CatalogModel(api),
      mine: myContributions(api),
      review: contributionsToReview(api, () => session.curated)
    };
    return { session, panel: new PanelModel(session, lists, 'Catalog') };
  }

  const member = { ...ADA, teams: [{ name: 'uc4', curator: false }] };

  test.each([
    ['a curator', SETTINGS, ADA, ['catalog', 'mine', 'review']],
    ['a member', SETTINGS, member, ['catalog', 'mine']],
    ['a person without a hub', { ...SETTINGS, hub: false }, member, ['catalog']]
  ])('for %s', async (_, settings, me, sections) => {
    const { session, panel } = panelFor(settings, me);
    await session.loadSettings();
    await panel.refresh();
    expect(panel.state.sections).toEqual(sections);
    expect(panel.state.name).toBe('Our Catalog');
  });

  test('who curates no longer is led back to the catalogue', async () => {
    const { session, panel } = panelFor(SETTINGS, member);
    panel.show('review');
    await session.loadSettings();
    await panel.refresh();
    expect(panel.state.section).toBe('catalog');
  });
});
