/** The sections of the panel, as tabs that the arrow keys walk through. */
import * as React from 'react';

export interface ITab<T extends string> {
  id: T;
  label: string;
  /** Shown beside the label when there is something to do. */
  count?: number;
}

export interface ITabsProps<T extends string> {
  label: string;
  tabs: ITab<T>[];
  current: T;
  onChange: (id: T) => void;
}

export function Tabs<T extends string>(props: ITabsProps<T>): JSX.Element {
  const { label, tabs, current, onChange } = props;
  const onKeyDown = (event: React.KeyboardEvent<HTMLDivElement>): void => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    const here = tabs.findIndex(tab => tab.id === current);
    const next = step && tabs[(here + step + tabs.length) % tabs.length];
    if (next) {
      event.preventDefault();
      onChange(next.id);
      event.currentTarget.querySelector<HTMLElement>(`#fh-tab-${next.id}`)?.focus();
    }
  };
  return (
    <div className="fh-Tabs" role="tablist" aria-label={label} onKeyDown={onKeyDown}>
      {tabs.map(tab => (
        <button
          key={tab.id}
          id={`fh-tab-${tab.id}`}
          type="button"
          role="tab"
          className="fh-Tab"
          aria-selected={tab.id === current}
          aria-controls="fh-tabpanel"
          tabIndex={tab.id === current ? 0 : -1}
          onClick={() => onChange(tab.id)}
        >
          {tab.label}
          {tab.count ? <span className="fh-Tab-count">{tab.count}</span> : null}
        </button>
      ))}
    </div>
  );
}
