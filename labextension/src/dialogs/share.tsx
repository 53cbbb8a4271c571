/** Asked before a notebook is shared: what it is, for whom, and a word to the curators. */
import { Dialog } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';
import { Field } from './fields';
import { Draft, submitDialog } from './submit';

export interface IShareForm {
  title: string;
  description: string;
  /** As typed, with commas between. */
  tags: string;
  team: string;
  message: string;
}

export interface IShareQuestion {
  filename: string;
  initial: IShareForm;
  teams: string[];
  send: (form: IShareForm) => Promise<void>;
}

/** Whether it was sent. */
export async function askToShare(
  question: IShareQuestion,
  trans: TranslationBundle
): Promise<boolean> {
  const { filename, initial, teams, send } = question;
  const pressed = await submitDialog({
    title: trans.__('Share “%1”', filename),
    draft: new Draft(initial),
    form: (draft, value) => <ShareForm draft={draft} value={value} teams={teams} trans={trans} />,
    buttons: [
      Dialog.cancelButton({ label: trans.__('Cancel') }),
      Dialog.okButton({ label: trans.__('Share') })
    ],
    send
  });
  return pressed.accept;
}

interface IShareFormProps {
  draft: Draft<IShareForm>;
  value: IShareForm;
  teams: string[];
  trans: TranslationBundle;
}

function ShareForm(props: IShareFormProps): JSX.Element {
  const { draft, value, trans } = props;
  return (
    <>
      <p className="fh-Form-lead">
        {trans.__('The curators of the team look at it before it appears in the catalogue.')}
      </p>
      <Field label={trans.__('Title')}>
        <input
          className="fh-Input"
          value={value.title}
          required
          maxLength={200}
          onChange={event => draft.set({ title: event.target.value })}
        />
      </Field>
      <Field label={trans.__('Description')}>
        <textarea
          className="fh-Input"
          rows={3}
          maxLength={2000}
          value={value.description}
          onChange={event => draft.set({ description: event.target.value })}
        />
      </Field>
      <Field label={trans.__('Tags')} note={trans.__('With commas between them')}>
        <input
          className="fh-Input"
          value={value.tags}
          maxLength={500}
          onChange={event => draft.set({ tags: event.target.value })}
        />
      </Field>
      <ShareTarget {...props} />
    </>
  );
}

/** For whom, and a word to those who decide. */
function ShareTarget({ draft, value, teams, trans }: IShareFormProps): JSX.Element {
  return (
    <>
      <Field label={trans.__('Team')}>
        <select
          className="fh-Select"
          value={value.team}
          required
          onChange={event => draft.set({ team: event.target.value })}
        >
          {!value.team && <option value="">{trans.__('Choose a team')}</option>}
          {teams.map(team => (
            <option key={team} value={team}>
              {team}
            </option>
          ))}
        </select>
      </Field>
      <Field label={trans.__('Message to the curators')}>
        <textarea
          className="fh-Input"
          rows={2}
          maxLength={2000}
          value={value.message}
          onChange={event => draft.set({ message: event.target.value })}
        />
      </Field>
    </>
  );
}

/** The tags of a comma-separated text, each once. */
export function tagsOf(text: string): string[] {
  const tags = text.split(',').map(tag => tag.trim());
  return [...new Set(tags.filter(Boolean))];
}
