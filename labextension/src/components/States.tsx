/** What a list shows when it has nothing to show: on its way, empty, failed, out of reach. */
import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';
import type { Progress } from '../models/state';

export interface IMessageProps {
  title: string;
  text?: string;
  action?: { label: string; run: () => void };
  alert?: boolean;
}

/** A short message in the middle of the room that a list would take. */
export function Message({ title, text, action, alert }: IMessageProps): JSX.Element {
  return (
    <div className="fh-Message" role={alert ? 'alert' : undefined}>
      <p className="fh-Message-title">{title}</p>
      {text && <p className="fh-Message-text">{text}</p>}
      {action && (
        <button type="button" className="fh-Button fh-mod-accept" onClick={action.run}>
          {action.label}
        </button>
      )}
    </div>
  );
}

export interface ITroubleProps {
  progress: Progress;
  /** What could not be done, for a person to read. */
  what: string;
  retry: () => void;
  trans: TranslationBundle;
}

/** Why there is no answer, and a way to ask again; nothing when there is one. */
export function Trouble({ progress, what, retry, trans }: ITroubleProps): JSX.Element | null {
  const action = { label: trans.__('Retry'), run: retry };
  useRetryOnline(progress.kind === 'offline', retry);
  switch (progress.kind) {
    case 'failed':
      return <Message alert title={what} text={progress.message} action={action} />;
    case 'offline':
      return (
        <Message
          alert
          title={trans.__('The server cannot be reached.')}
          text={trans.__('Check your connection; your work here is kept.')}
          action={action}
        />
      );
    default:
      return null;
  }
}

/** The browser says when its network is back; nobody should have to press Retry for that. */
function useRetryOnline(offline: boolean, retry: () => void): void {
  React.useEffect(() => {
    if (!offline) {
      return;
    }
    window.addEventListener('online', retry);
    return () => window.removeEventListener('online', retry);
  }, [offline, retry]);
}

/** Grey shapes where tiles or rows will be. */
export function Skeleton({ count, label }: { count: number; label: string }): JSX.Element {
  return (
    <div className="fh-Skeleton" role="status" aria-label={label}>
      {Array.from({ length: count }, (_, index) => (
        <div key={index} className="fh-Skeleton-item" aria-hidden="true">
          <span />
          <span />
          <span />
        </div>
      ))}
    </div>
  );
}
