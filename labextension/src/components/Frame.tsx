/** A rendered notebook in a frame that can run nothing and load nothing. */
import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';
import { PreviewModel } from '../models/preview';
import { Skeleton, Trouble } from './States';
import { themed, useDark } from './theme';
import { useModel } from './useModel';

export interface IFrameProps {
  title: string;
  /** What is shown; another name means another preview. */
  name: string;
  fetch: () => Promise<string>;
  trans: TranslationBundle;
}

export function Frame({ title, name, fetch, trans }: IFrameProps): JSX.Element {
  const model = React.useMemo(() => new PreviewModel(), []);
  const { progress, html } = useModel(model);
  const dark = useDark();
  const load = (): void => {
    void model.show(fetch);
  };
  // `name` stands for the preview; the closure that fetches it is new with every drawing.
  // eslint-disable-next-line react-hooks/exhaustive-deps
  React.useEffect(load, [name]);
  React.useEffect(() => () => model.dispose(), [model]);
  if (progress.kind === 'loading') {
    return <Skeleton count={4} label={trans.__('Loading the preview')} />;
  }
  if (progress.kind !== 'ready') {
    const what = trans.__('There is no preview.');
    return <Trouble progress={progress} what={what} retry={load} trans={trans} />;
  }
  return (
    <iframe
      className="fh-Frame"
      sandbox=""
      referrerPolicy="no-referrer"
      srcDoc={themed(html, dark)}
      title={trans.__('Preview of %1', title)}
    />
  );
}
