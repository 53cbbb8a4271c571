/** Asked before a contribution is published, declined or withdrawn. */
import { Dialog } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';
import type { Decision } from '../api';
import type { IContribution } from '../types';
import { Field } from './fields';
import { Draft, submitDialog } from './submit';

interface IWords {
  title: string;
  lead: string;
  /** What the text is called; none is asked for where this is missing. */
  field?: string;
  required?: boolean;
  button: Dialog.IButton;
}

/** Whether it was decided; `decide` does it, and what it throws is shown in the dialog. */
export async function askToDecide(
  contribution: IContribution,
  decision: Decision,
  decide: (text: string) => Promise<unknown>,
  trans: TranslationBundle
): Promise<boolean> {
  const words = wordsOf(contribution, trans)[decision];
  const pressed = await submitDialog({
    title: words.title,
    draft: new Draft({ text: '' }),
    form: (draft, { text }) => (
      <>
        <p className="fh-Form-lead">{words.lead}</p>
        {words.field && (
          <Field label={words.field}>
            <textarea
              className="fh-Input"
              rows={3}
              maxLength={2000}
              required={words.required}
              value={text}
              onChange={event => draft.set({ text: event.target.value })}
            />
          </Field>
        )}
      </>
    ),
    buttons: [Dialog.cancelButton({ label: trans.__('Cancel') }), words.button],
    send: async ({ text }) => void (await decide(text.trim()))
  });
  return pressed.accept;
}

function wordsOf(contribution: IContribution, trans: TranslationBundle): Record<Decision, IWords> {
  const title = contribution.title || contribution.filename;
  return {
    publish: {
      title: trans.__('Publish “%1”?', title),
      lead: trans.__('Everyone in the team “%1” will find it.', contribution.team),
      field: trans.__('Note to %1 (optional)', contribution.author),
      button: Dialog.okButton({ label: trans.__('Publish') })
    },
    decline: {
      title: trans.__('Decline “%1”?', title),
      lead: trans.__('%1 reads your reason and may share it again.', contribution.author),
      field: trans.__('Reason'),
      required: true,
      button: Dialog.warnButton({ label: trans.__('Decline') })
    },
    withdraw: {
      title: trans.__('Withdraw “%1”?', title),
      lead: trans.__('The curators will not look at it. Your own notebook stays as it is.'),
      button: Dialog.warnButton({ label: trans.__('Withdraw') })
    }
  };
}
