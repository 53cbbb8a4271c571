/** What stands behind the buttons: links, kernels, and the form's first words. */
import { copyLinkOf, withoutCopy } from '../src/actions/deepLink';
import { kernelNotice } from '../src/actions/openCopy';
import { proposalOf } from '../src/actions/share';
import { tagsOf } from '../src/dialogs/share';
import { trans } from './samples';

test.each([
  ['?copy=uc4.trees', { kind: 'id', value: 'uc4.trees' }],
  ['?token=x&copy=work%2Ftrees.ipynb', { kind: 'path', value: 'work/trees.ipynb' }],
  ['?copy=', null],
  ['?copy=%20', null],
  ['?recopy=uc4.trees', null],
  ['', null]
])('the link %s asks for %j', (search, link) => {
  expect(copyLinkOf(search)).toEqual(link);
});

test.each([
  ['/lab', '?copy=uc4.trees', '', '/lab'],
  ['/lab/tree/a', '?copy=x&factory=Notebook', '#b', '/lab/tree/a?factory=Notebook#b']
])('%s%s%s becomes %s', (path, search, hash, rest) => {
  expect(withoutCopy(path, search, hash)).toBe(rest);
});

const nothing = { name: null, display_name: null };
const python = { name: 'python3', display_name: 'Python 3' };

test.each([
  [{ ...python, matched: true, wanted: 'Python 3', by: 'name' as const }, ''],
  [{ ...python, matched: true, wanted: null, by: 'language' as const }, ''],
  [{ ...python, matched: true, wanted: 'Urban', by: 'language' as const }, /“Urban”.*“Python 3”/],
  [{ ...nothing, matched: false, wanted: 'R', by: 'nothing' as const }, /“R”.*choose one/]
])('the kernel %j is told as %s', (kernel, notice) => {
  expect(kernelNotice(kernel, trans)).toMatch(notice || /^$/);
});

test.each([
  [{}, { title: 'my trees', description: '', tags: '' }],
  [{ title: 'T' }, { title: 'T', description: '', tags: '' }],
  [
    { properties: { name: 'P', description: 'D', tags: ['a', 3, 'b'] } },
    { title: 'P', description: 'D', tags: 'a, b' }
  ],
  [{ properties: { name: 7, tags: 'a' } }, { title: 'my trees', description: '', tags: '' }],
  [{ properties: null }, { title: 'my trees', description: '', tags: '' }]
])('a notebook that says %j proposes %j', (metadata, proposal) => {
  expect(proposalOf({ path: 'work/my-trees.ipynb', metadata })).toEqual(proposal);
});

test('tags are split at commas, each once', () => {
  expect(tagsOf(' a, b b ,,a,')).toEqual(['a', 'b b']);
});
