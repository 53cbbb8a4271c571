/** What jsdom lacks and the components use. */
import '@testing-library/jest-dom';

AbortSignal.timeout ??= () => new AbortController().signal;
