/** A labelled field of a form; `note` says what is wanted where the label is not enough. */
import * as React from 'react';

export interface IFieldProps {
  label: string;
  note?: string;
  children: JSX.Element;
}

export function Field({ label, note, children }: IFieldProps): JSX.Element {
  const id = React.useId();
  const described = note ? { 'aria-describedby': `${id}-note` } : {};
  return (
    <div className="fh-Field">
      <label htmlFor={id}>{label}</label>
      {React.cloneElement(children, { id, ...described })}
      {note && (
        <span className="fh-Quiet" id={`${id}-note`}>
          {note}
        </span>
      )}
    </div>
  );
}
