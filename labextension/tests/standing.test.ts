/** Who is let in no more: when the hub is asked, and what is said until when. */
import { Notification } from '@jupyterlab/apputils';
import { PageConfig } from '@jupyterlab/coreutils';
import { type IStanding, StandingWatch, standingUrl } from '../src/models/standing';
import { endOf, reasonOf, StandingNotice } from '../src/standingNotice';
import { trans } from './samples';

const IN: IStanding = { admitted: true, code: null, message: null, server_ends: null };
const OUT: IStanding = { ...IN, admitted: false, code: 'no-team', message: 'No team lists “ada”.' };
const NOON = Date.parse('2026-05-01T12:00:00Z');

/** The standing of somebody whose server ends so many seconds after noon. */
function ending(seconds: number, standing = OUT): IStanding {
  return { ...standing, server_ends: new Date(NOON + 1000 * seconds).toISOString() };
}

afterEach(() => {
  Notification.dismiss();
  jest.restoreAllMocks();
  jest.useRealTimers();
});

test.each([
  [{ hubPrefix: '/hub/' }, '/hub/api/fairihub/standing'],
  [{ hubPrefix: '/lab/hub/' }, '/lab/hub/api/fairihub/standing'],
  [{ hubPrefix: '/hub/', hubHost: 'https://hub.example.org' }, null],
  [{}, null]
])('with %j the hub is asked at %s', (options, url) => {
  for (const name of ['hubPrefix', 'hubHost']) {
    PageConfig.setOption(name, (options as Record<string, string>)[name] ?? '');
  }
  expect(standingUrl()).toBe(url);
});

test.each([
  [IN, null],
  [{ ...IN, server_ends: 'soon' }, /team of your server/],
  [OUT, /no longer in a team/],
  [{ ...OUT, code: 'closed' }, /has closed/],
  [{ ...OUT, code: 'another-person' }, /another account/],
  [{ ...OUT, code: 'signed-out' }, /signed out/],
  [{ ...OUT, code: 'of-tomorrow' }, /No team lists “ada”/],
  [{ ...OUT, code: null, message: null }, /does not let you in/]
])('%j is told as %s', (standing, words) => {
  const reason = reasonOf(standing, trans);
  expect(reason === null ? null : words?.test(reason)).toBe(words === null ? null : true);
});

const DOWNLOAD = 'Nothing more is saved here: download what you still need.';
const nothing = (): void => undefined;

test.each([
  [OUT, DOWNLOAD],
  [{ ...ending(47), admitted: true }, 'Your server ends in 50 seconds. Save your work now.'],
  [IN, ''],
  [ending(299), `Your server ends in 5 minutes. ${DOWNLOAD}`],
  [ending(91), `Your server ends in 2 minutes. ${DOWNLOAD}`],
  [ending(90), `Your server ends in 90 seconds. ${DOWNLOAD}`],
  [ending(47), `Your server ends in 50 seconds. ${DOWNLOAD}`],
  [ending(2), `Your server ends in 10 seconds. ${DOWNLOAD}`],
  [ending(0), 'Your server has been ended. What was saved is still there.']
])('%j ends so: %s', (standing, words) => {
  expect(endOf(standing, trans, NOON)).toBe(words);
});

function shown(): string[] {
  return Notification.manager.notifications.map(({ message }) => message);
}

test('there is one notice, which counts down, stays, and goes once they are let in again', () => {
  jest.useFakeTimers({ now: NOON });
  const notice = new StandingNotice(trans, nothing, nothing);
  notice.show(ending(300));
  notice.show(ending(120));
  expect(shown()).toEqual([
    `You are no longer in a team of this hub. Your server ends in 2 minutes. ${DOWNLOAD}`
  ]);
  expect(Notification.manager.notifications[0].options.autoClose).toBe(false);
  notice.show(IN);
  expect(shown()).toEqual([]);
});

test('a notice that was closed stays closed until there is another reason', () => {
  jest.useFakeTimers({ now: NOON });
  const notice = new StandingNotice(trans, nothing, nothing);
  notice.show(ending(300));
  Notification.dismiss();
  notice.show(ending(120));
  expect(shown()).toEqual([]);
  notice.show({ ...ending(60), code: 'closed' });
  expect(shown()).toHaveLength(1);
});

test.each([
  [{ ...ending(60), admitted: true }, 'Save all', [1, 0]],
  [OUT, 'Download unsaved files', [0, 1]]
])('the button for %j is “%s”, and leaves the notice open', (standing, label, done) => {
  const counts = [0, 0];
  const count = (which: number) => () => void (counts[which] += 1);
  new StandingNotice(trans, count(0), count(1)).show(standing);
  const [action] = Notification.manager.notifications[0].options.actions!;
  const click = new MouseEvent('click', { cancelable: true });
  action.callback(click);
  expect([action.label, counts, click.defaultPrevented]).toEqual([label, done, true]);
});

/** A watch whose hub gives these answers in turn, the last one ever after. */
function watching(...answers: Array<IStanding | number>) {
  jest.useFakeTimers({ now: NOON });
  jest.spyOn(document, 'hasFocus').mockReturnValue(true);
  const asked: number[] = [];
  global.fetch = (): Promise<Response> => {
    asked.push(Date.now() - NOON);
    const answer = answers.length > 1 ? answers.shift()! : answers[0];
    const failed = typeof answer === 'number';
    return failed && answer === 0
      ? Promise.reject(new TypeError('no network'))
      : Promise.resolve({
          ok: !failed,
          status: failed ? answer : 200,
          json: () => Promise.resolve(answer)
        } as Response);
  };
  const watch = new StandingWatch('/hub/api/fairihub/standing');
  const told: Array<string | null> = [];
  watch.told.connect((_, { code }) => told.push(code));
  watch.start();
  return { watch, asked, told };
}

test('the hub is asked every five seconds while somebody looks, and not else', async () => {
  const { watch, asked } = watching(IN);
  await jest.advanceTimersByTimeAsync(20_000);
  const before = asked.length;
  expect(before).toBeGreaterThanOrEqual(4);
  expect(before).toBeLessThanOrEqual(6);
  jest.spyOn(document, 'hasFocus').mockReturnValue(false);
  await jest.advanceTimersByTimeAsync(60_000);
  expect(asked.length).toBeLessThanOrEqual(before + 1);
  jest.spyOn(document, 'hasFocus').mockReturnValue(true);
  window.dispatchEvent(new Event('focus'));
  await jest.advanceTimersByTimeAsync(100);
  expect(asked.length).toBeGreaterThan(before);
  watch.dispose();
});

test('while the hub is away it is asked ever more seldom', async () => {
  const { watch, asked, told } = watching(0);
  await jest.advanceTimersByTimeAsync(600_000);
  expect(told).toEqual([]);
  expect(asked.length).toBeLessThan(30);
  watch.dispose();
});

test('signed out is news only to somebody who was signed in', async () => {
  const known = watching(IN, 401);
  await jest.advanceTimersByTimeAsync(12_000);
  expect(known.told.slice(0, 2)).toEqual([null, 'signed-out']);
  known.watch.dispose();
  const never = watching(401);
  await jest.advanceTimersByTimeAsync(60_000);
  expect(never.told).toEqual([]);
  never.watch.dispose();
});
