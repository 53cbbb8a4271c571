/** From a catalogue id to an open copy in the home, asking where a name is taken. */
import type { TranslationBundle } from '@jupyterlab/translation';
import { ApiError, type ICatalogApi } from '../api';
import { askOtherName, type ITaken } from '../dialogs/taken';
import { messageOf } from '../models/state';
import { tellError, tellWarning } from '../notices';
import type { ICopy, ICopyKernel } from '../types';

export interface IOpenCopyOptions {
  api: ICatalogApi;
  /** Opens a file of the home. */
  open: (path: string) => void;
  /** Makes a new file show up in the file browser. */
  refresh: () => void;
  trans: TranslationBundle;
}

/** Make a copy of the notebook `id` and open it; says itself what went wrong. */
export async function openCopy(id: string, options: IOpenCopyOptions): Promise<void> {
  const { api, trans } = options;
  try {
    opened(await api.copy(id, null), options);
  } catch (error) {
    const taken = takenOf(error);
    if (taken) {
      await resolveTaken(id, taken, options);
    } else {
      tellError(trans.__('The copy could not be made: %1', messageOf(error)));
    }
  }
}

async function resolveTaken(id: string, taken: ITaken, options: IOpenCopyOptions): Promise<void> {
  const { api, open, trans } = options;
  const copyTo = async (path: string): Promise<void> => opened(await api.copy(id, path), options);
  if ((await askOtherName(taken, copyTo, trans)) === 'open-mine') {
    open(taken.path);
  }
}

function opened(copy: ICopy, { open, refresh, trans }: IOpenCopyOptions): void {
  refresh();
  open(copy.path);
  const notice = copy.kernel && kernelNotice(copy.kernel, trans);
  if (notice) {
    tellWarning(notice);
  }
}

/** What to say when the copy does not run in the very kernel that it was written for. */
export function kernelNotice(kernel: ICopyKernel, trans: TranslationBundle): string {
  const { wanted, by } = kernel;
  const used = kernel.display_name || kernel.name;
  if (by === 'name' || !wanted || wanted === used) {
    return '';
  }
  return used
    ? trans.__('This notebook was made with “%1”. Here it opens with “%2”.', wanted, used)
    : trans.__('This notebook asks for “%1”. No kernel of this server fits; choose one.', wanted);
}

function takenOf(error: unknown): ITaken | null {
  if (!(error instanceof ApiError) || error.code !== 'name-taken') {
    return null;
  }
  const { path, suggestion } = error.body;
  if (typeof path !== 'string' || typeof suggestion !== 'string') {
    return null;
  }
  return { path, suggestion };
}
