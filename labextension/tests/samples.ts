/** Notebooks, contributions and a catalogue to test against. */
import { nullTranslator } from '@jupyterlab/translation';
import type { ICatalogApi } from '../src/api';
import type { IContribution, INotebook, INotebookPage } from '../src/types';

export const trans = nullTranslator.load('fairihub');

export function notebook(part: Partial<INotebook> = {}): INotebook {
  return {
    id: 'uc4.trees',
    slug: 'trees',
    team: 'uc4',
    title: 'Trees per district',
    description: 'Counts trees.',
    tags: ['trees'],
    authors: ['Ada'],
    license: 'CC-BY-4.0',
    kernel: { name: 'python3', display_name: 'Python 3', language: 'python' },
    parameters: [],
    size: 1,
    modified: '2026-01-02T03:04:05Z',
    source: 'library',
    version: 'v1',
    ...part
  };
}

export function contribution(part: Partial<IContribution> = {}): IContribution {
  return {
    cid: 'c1',
    team: 'uc4',
    title: 'Trees per district',
    description: '',
    tags: [],
    message: '',
    filename: 'trees.ipynb',
    author: 'ada',
    state: 'submitted',
    submitted: '2026-01-02T03:04:05Z',
    decided: null,
    decided_by: null,
    reason: null,
    note: null,
    notebook_id: null,
    findings: [],
    ...part
  };
}

export function page(...notebooks: INotebook[]): INotebookPage {
  const counts = (names: string[]) =>
    [...new Set(names)].map(name => ({
      name,
      count: names.filter(other => other === name).length
    }));
  return {
    notebooks,
    total: notebooks.length,
    tags: counts(notebooks.flatMap(({ tags }) => tags)),
    teams: counts(notebooks.map(({ team }) => team))
  };
}

/** An API of which a test defines what it needs; anything else is a mistake of the test. */
export function apiWith(part: Partial<ICatalogApi>): ICatalogApi {
  return new Proxy(part, {
    get(target, name) {
      const method = target[name as keyof ICatalogApi];
      if (!method) {
        throw new Error(`The test did not expect a call of ${String(name)}.`);
      }
      return method;
    }
  }) as ICatalogApi;
}

/** A promise that is settled from outside. */
export class Later<T> {
  resolve!: (value: T) => void;
  reject!: (error: unknown) => void;
  readonly promise = new Promise<T>((resolve, reject) => {
    this.resolve = resolve;
    this.reject = reject;
  });
}
