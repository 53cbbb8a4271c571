/** The components: what a person sees, and what their clicks and keys do. */
import { act, render, screen, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import * as React from 'react';
import { ApiError } from '../src/api';
import { CatalogView } from '../src/components/CatalogView';
import { MineView } from '../src/components/MineView';
import { ReviewView } from '../src/components/ReviewView';
import { themed } from '../src/components/theme';
import { CatalogModel } from '../src/models/catalog';
import { contributionsToReview, myContributions } from '../src/models/contributions';
import type { IContribution, INotebook, INotebookPage } from '../src/types';
import { apiWith, contribution, Later, notebook, page, trans } from './samples';

const TREES = notebook();
const HEAT = notebook({ id: 'public.heat', team: 'public', title: 'Heat', tags: ['heat'] });

interface IShown {
  model: CatalogModel;
  openCopy: jest.Mock<Promise<void>, [string]>;
  user: ReturnType<typeof userEvent.setup>;
}

async function showCatalog(notebooks: () => Promise<INotebookPage>): Promise<IShown> {
  const model = new CatalogModel(apiWith({ notebooks }));
  const openCopy = jest.fn<Promise<void>, [string]>(() => Promise.resolve());
  const fetchPreview = (id: string) => Promise.resolve(`<p>${id}</p>`);
  const props = { model, openCopy, fetchPreview, trans };
  render(<CatalogView {...props} />);
  await act(() => model.refresh());
  return { model, openCopy, user: userEvent.setup() };
}

const found =
  (...notebooks: INotebook[]) =>
  () =>
    Promise.resolve(page(...notebooks));

test('a tile shows title, team, tags, kernel and authors, and its button opens a copy', async () => {
  const { openCopy, user } = await showCatalog(found(TREES, HEAT));
  const tile = screen.getByRole('listitem', { name: 'Trees per district' });
  ['uc4', 'trees', 'Python 3', 'Ada', 'Counts trees.'].forEach(words =>
    expect(within(tile).getByText(words)).toBeInTheDocument()
  );
  await user.click(within(tile).getByRole('button', { name: /open a copy/i }));
  expect(openCopy).toHaveBeenCalledWith('uc4.trees');
});

test('the number of notebooks is announced', async () => {
  await showCatalog(found(TREES, HEAT));
  expect(screen.getByText('2 notebooks')).toHaveAttribute('aria-live', 'polite');
});

test('a second click while the copy is made makes no second copy', async () => {
  const { openCopy, user } = await showCatalog(found(TREES));
  const copying = new Later<void>();
  openCopy.mockReturnValue(copying.promise);
  const button = screen.getByRole('button', { name: /open a copy/i });
  await user.click(button);
  expect(button).toBeDisabled();
  await user.click(button);
  expect(openCopy).toHaveBeenCalledTimes(1);
  await act(() => {
    copying.resolve();
    return copying.promise;
  });
  expect(button).toBeEnabled();
});

test('Enter on a tile opens the details, Escape closes them and returns to the tile', async () => {
  const { user } = await showCatalog(found(TREES, HEAT));
  const title = screen.getByRole('button', { name: 'Trees per district' });
  title.focus();
  await user.keyboard('{Enter}');
  const details = screen.getByRole('region', { name: 'Trees per district' });
  expect(details).toHaveFocus();
  const frame = await screen.findByTitle('Preview of Trees per district');
  expect(frame).toHaveAttribute('sandbox', '');
  expect(frame).toHaveAttribute('srcdoc', '<p>uc4.trees</p>');
  await user.keyboard('{Escape}');
  expect(details).not.toBeInTheDocument();
  expect(title).toHaveFocus();
});

test('the arrow keys walk through the tiles', async () => {
  const { user } = await showCatalog(found(TREES, HEAT));
  screen.getByRole('button', { name: 'Trees per district' }).focus();
  await user.keyboard('{ArrowRight}');
  expect(screen.getByRole('button', { name: 'Heat' })).toHaveFocus();
});

test('a tag is a switch that narrows the question', async () => {
  const { model, user } = await showCatalog(found(TREES, HEAT));
  const tag = screen.getByRole('button', { name: /^trees/ });
  expect(tag).toHaveAttribute('aria-pressed', 'false');
  await user.click(tag);
  expect(model.state.query.tags).toEqual(['trees']);
  expect(screen.getByRole('button', { name: /^trees/ })).toHaveAttribute('aria-pressed', 'true');
});

test('an empty catalogue says so; an empty search offers to be cleared', async () => {
  const { model, user } = await showCatalog(found());
  expect(screen.getByText(/no notebooks here yet/)).toBeInTheDocument();
  await act(() => model.chooseTeam('uc4'));
  await user.click(screen.getByRole('button', { name: 'Clear the search' }));
  expect(model.state.query.team).toBeNull();
});

test('a failure is told in the words of the server, and Retry asks again', async () => {
  const answers = [
    () => Promise.reject(new ApiError('The hub is away.', 'away', 503)),
    found(TREES)
  ];
  const { user } = await showCatalog(() => answers.shift()!());
  expect(screen.getByRole('alert')).toHaveTextContent('The hub is away.');
  await user.click(screen.getByRole('button', { name: 'Retry' }));
  expect(await screen.findByText('1 notebook')).toBeInTheDocument();
});

test('out of reach, the catalogue asks again when the network is back', async () => {
  const answers = [() => Promise.reject(new ApiError('', 'offline', 0)), found(TREES)];
  await showCatalog(() => answers.shift()!());
  expect(screen.getByRole('alert')).toHaveTextContent('cannot be reached');
  act(() => void window.dispatchEvent(new Event('online')));
  expect(await screen.findByText('1 notebook')).toBeInTheDocument();
});

describe('my contributions', () => {
  async function showMine(...mine: IContribution[]) {
    const model = myContributions(apiWith({ mine: () => Promise.resolve(mine) }));
    const withdraw = jest.fn(() => Promise.resolve());
    const openPublished = jest.fn(() => Promise.resolve());
    render(<MineView {...{ model, withdraw, openPublished, trans }} />);
    await act(() => model.refresh());
    return { withdraw, openPublished, user: userEvent.setup() };
  }

  test('a submitted one can be withdrawn, with its findings in sight', async () => {
    const finding = { severity: 'warning' as const, code: 'x', message: 'Cell 3 reads a file.' };
    const sent = contribution({ findings: [finding] });
    const { withdraw, user } = await showMine(sent);
    expect(screen.getByText('Cell 3 reads a file.')).toBeInTheDocument();
    await user.click(screen.getByRole('button', { name: 'Withdraw' }));
    expect(withdraw).toHaveBeenCalledWith(sent);
  });

  test('a declined one shows by whom and why, and cannot be withdrawn', async () => {
    const decided = { decided: '2026-01-03T00:00:00Z', decided_by: 'grace', reason: 'Not open.' };
    await showMine(contribution({ state: 'declined', ...decided }));
    expect(screen.getByText(/Declined by grace/)).toBeInTheDocument();
    expect(screen.getByText('Not open.')).toBeInTheDocument();
    expect(screen.queryByRole('button')).toBeNull();
  });

  test('a published one opens as a copy', async () => {
    const published = contribution({ state: 'published', notebook_id: 'uc4.trees' });
    const { openPublished, user } = await showMine(published);
    await user.click(screen.getByRole('button', { name: 'Open a copy' }));
    expect(openPublished).toHaveBeenCalledWith('uc4.trees');
  });
});

test('a curator looks at a contribution before deciding', async () => {
  const waiting = contribution({ message: 'Please look at cell 4.' });
  const api = apiWith({ contributionsOf: () => Promise.resolve([waiting]) });
  const model = contributionsToReview(api, () => ['uc4']);
  const actions = { publish: jest.fn(), decline: jest.fn() };
  const fetchPreview = jest.fn(() => Promise.resolve('<p>cells</p>'));
  render(<ReviewView {...{ model, actions, fetchPreview, trans }} />);
  await act(() => model.refresh());
  const user = userEvent.setup();
  expect(screen.getByText('Please look at cell 4.')).toBeInTheDocument();
  await user.click(screen.getByRole('button', { name: 'Preview' }));
  expect(await screen.findByTitle('Preview of Trees per district')).toBeInTheDocument();
  await user.click(screen.getByRole('button', { name: 'Publish…' }));
  expect(actions.publish).toHaveBeenCalledWith(waiting);
});

test('a preview takes on the theme around it, the notebook’s own text stays', () => {
  const query = '@media (prefers-color-scheme: dark)';
  const html = `<head><style>${query} {}</style></head><body>${query}</body>`;
  expect(themed(html, true)).toMatch(/@media all \{\}.*color-scheme: dark.*<body>@media \(prefers/);
  expect(themed(html, false)).toMatch(/@media not all \{\}.*color-scheme: light/);
});
