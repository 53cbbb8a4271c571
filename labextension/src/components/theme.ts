/** Light or dark: what JupyterLab shows, carried into the frames that cannot see it. */
import { useSyncExternalStore } from 'react';

const THEME_ATTRIBUTE = 'data-jp-theme-light';

/** Whether the page is dark now; drawn anew when its theme changes. */
export function useDark(): boolean {
  return useSyncExternalStore(followTheme, isDark);
}

function isDark(): boolean {
  return document.body.getAttribute(THEME_ATTRIBUTE) === 'false';
}

function followTheme(notify: () => void): () => void {
  const observer = new MutationObserver(notify);
  observer.observe(document.body, { attributes: true, attributeFilter: [THEME_ATTRIBUTE] });
  return () => observer.disconnect();
}

/**
 * A preview in the theme of the page around it.
 *
 * By itself it follows the browser's preference, since a sandboxed frame knows nothing of its
 * surroundings. Only the head is changed: the notebook's own text stays as it is.
 */
export function themed(html: string, dark: boolean): string {
  const end = html.indexOf('</head>');
  if (end < 0) {
    return html;
  }
  const query = /@media \(prefers-color-scheme: dark\)/g;
  const head = html.slice(0, end).replace(query, dark ? '@media all' : '@media not all');
  const scheme = `<style>:root { color-scheme: ${dark ? 'dark' : 'light'}; }</style>`;
  return `${head}${scheme}${html.slice(end)}`;
}
