/** What `/lab?copy=…` asks for: a file of the home, or a notebook of the catalogue. */

export interface ICopyLink {
  kind: 'path' | 'id';
  value: string;
}

/** The link in a query, or nothing. A name that ends in `.ipynb` is a path in the home. */
export function copyLinkOf(search: string): ICopyLink | null {
  const value = new URLSearchParams(search).get('copy')?.trim();
  if (!value) {
    return null;
  }
  return { kind: value.endsWith('.ipynb') ? 'path' : 'id', value };
}

/** The same address without the question, so that a reload does not ask it again. */
export function withoutCopy(path: string, search: string, hash: string): string {
  const params = new URLSearchParams(search);
  params.delete('copy');
  const rest = params.toString();
  return `${path}${rest ? `?${rest}` : ''}${hash}`;
}
