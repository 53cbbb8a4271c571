/** Notices that are seen: JupyterLab's own default would only put them into its notice list. */
import { Notification } from '@jupyterlab/apputils';

type Actions = Notification.IAction[];

/** Long enough to read two sentences. */
const READING_TIME = 10_000;

/** Something went wrong; stays until it is closed. */
export function tellError(words: string): void {
  Notification.error(words, { autoClose: false });
}

/** Something is other than expected. */
export function tellWarning(words: string): void {
  Notification.warning(words, { autoClose: 2 * READING_TIME });
}

/** Something is done; `stays` until it is closed where there is something to act on. */
export function tellSuccess(words: string, actions: Actions = [], stays = false): void {
  Notification.success(words, { actions, autoClose: stays ? false : READING_TIME });
}
