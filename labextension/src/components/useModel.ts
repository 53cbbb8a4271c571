/** Follows a model from a component. */
import { useCallback, useSyncExternalStore } from 'react';
import type { IStateModel } from '../models/state';

/** The model's state, drawn anew whenever it changes. */
export function useModel<S>(model: IStateModel<S>): S {
  const subscribe = useCallback(
    (notify: () => void) => {
      model.changed.connect(notify);
      return () => {
        model.changed.disconnect(notify);
      };
    },
    [model]
  );
  return useSyncExternalStore(subscribe, () => model.state);
}
