/** The notice that stays while somebody is let in no more, or their server is about to end.
 *
 * Whoever is out cannot save any more: their server answers them no request. What the browser
 * still holds they can download.
 */
import { Notification } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import type { IStanding } from './models/standing';

export class StandingNotice {
  constructor(
    private readonly _trans: TranslationBundle,
    private readonly _saveAll: () => void,
    private readonly _download: () => void
  ) {}

  /** Shows, changes or takes away the notice. One that was closed comes back with another reason. */
  show(standing: IStanding): void {
    const why = reasonOf(standing, this._trans);
    if (why === null) {
      this._dismiss();
      return;
    }
    const message = [why, endOf(standing, this._trans, Date.now())].filter(Boolean).join(' ');
    if (why !== this._why) {
      this._dismiss();
      this._why = why;
      this._id = Notification.error(message, {
        autoClose: false,
        actions: [this._rescue(standing.admitted)]
      });
    } else if (message !== this._message) {
      Notification.update({ id: this._id, message });
    }
    this._message = message;
  }

  private _rescue(saves: boolean): Notification.IAction {
    return {
      label: saves ? this._trans.__('Save all') : this._trans.__('Download unsaved files'),
      displayType: 'accent',
      callback: event => {
        event.preventDefault(); // which would close the notice
        (saves ? this._saveAll : this._download)();
      }
    };
  }

  private _dismiss(): void {
    if (this._id) {
      Notification.dismiss(this._id);
    }
    this._id = this._why = this._message = '';
  }

  private _id = '';
  private _why = '';
  private _message = '';
}

/** Why they are told something; null while there is nothing to tell. */
export function reasonOf(standing: IStanding, trans: TranslationBundle): string | null {
  if (standing.admitted) {
    return standing.server_ends ? trans.__('The team of your server lets you in no more.') : null;
  }
  switch (standing.code) {
    case 'no-team':
      return trans.__('You are no longer in a team of this hub.');
    case 'closed':
      return trans.__('Your team or your membership has closed.');
    case 'another-person':
      return trans.__('Your login belongs to another account now.');
    case 'signed-out':
      return trans.__('You are signed out of the hub. Sign in there again to go on.');
    default:
      return standing.message ?? trans.__('The hub does not let you in any more.');
  }
}

/** When the server ends, in words that do not change every second. */
export function endOf(standing: IStanding, trans: TranslationBundle, now: number): string {
  const rescue = standing.admitted
    ? trans.__('Save your work now.')
    : trans.__('Nothing more is saved here: download what you still need.');
  if (!standing.server_ends) {
    return standing.admitted ? '' : rescue;
  }
  const seconds = Math.ceil((Date.parse(standing.server_ends) - now) / 1000);
  if (seconds <= 0) {
    return trans.__('Your server has been ended. What was saved is still there.');
  }
  return `${trans.__('Your server ends in %1.', inWords(seconds, trans))} ${rescue}`;
}

function inWords(seconds: number, trans: TranslationBundle): string {
  if (seconds > 90) {
    const minutes = Math.ceil(seconds / 60);
    return trans._n('%1 minute', '%1 minutes', minutes, minutes);
  }
  const tens = Math.max(10, Math.round(seconds / 10) * 10);
  return trans._n('%1 second', '%1 seconds', tens, tens);
}
