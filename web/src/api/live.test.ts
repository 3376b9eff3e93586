import { QueryClient } from '@tanstack/react-query';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { applyStudyChanged, listen } from './live';
import { keys } from './queries';
import type { Study, StudyDetail, StudyPage } from './types';

/** The browser's EventSource, driven by the test. */
class FakeEventSource {
  static readonly CLOSED = 2;
  static last: FakeEventSource;
  readyState = 1;
  onopen = () => {};
  onerror = () => {};
  private readonly listeners = new Map<string, (event: { data: string }) => void>();
  constructor(readonly url: string) {
    FakeEventSource.last = this;
  }
  addEventListener(name: string, listener: (event: { data: string }) => void) {
    this.listeners.set(name, listener);
  }
  close() {
    this.readyState = FakeEventSource.CLOSED;
  }
  tell(data: unknown, event = 'study_changed') {
    this.listeners.get(event)?.({ data: JSON.stringify(data) });
  }
}

function aStudy(uid: string, images: number): Study {
  return { study_instance_uid: uid, number_of_series: 1, number_of_instances: images } as Study;
}

let client: QueryClient;

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal('EventSource', FakeEventSource);
  client = new QueryClient();
  client.setQueryData<StudyPage>([...keys.studies, {}], {
    studies: [aStudy('1.1', 10), aStudy('1.2', 20)],
    total: 2,
    total_is_exact: true,
    limit: 50,
    offset: 0,
  });
});

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

const imagesInList = () =>
  client.getQueryData<StudyPage>([...keys.studies, {}])?.studies.map((study) => study.number_of_instances);

it('a growing study counts up in every list and on its own page', () => {
  client.setQueryData(keys.study('1.2'), { ...aStudy('1.2', 20), series_list: [] } as StudyDetail);
  const change = { study_instance_uid: '1.2', number_of_series: 2, number_of_instances: 21 };
  expect(applyStudyChanged(client, change)).toBe(true);
  expect(imagesInList()).toEqual([10, 21]);
  expect(client.getQueryData<StudyDetail>(keys.study('1.2'))?.number_of_series).toBe(2);
});

it('a study that no list holds makes the lists ask again, once for a whole burst', () => {
  const asked = vi.spyOn(client, 'invalidateQueries');
  listen(client, { onState: () => {}, onStudyChanged: () => {} });
  for (let images = 1; images <= 300; images++) {
    FakeEventSource.last.tell({
      study_instance_uid: '1.9',
      number_of_series: 1,
      number_of_instances: images,
    });
  }
  vi.advanceTimersByTime(1_000);
  const lists = asked.mock.calls.filter(([filter]) => filter?.queryKey === keys.studies);
  expect(lists).toHaveLength(1);
});

it('after a lost connection everything on screen is asked for again', () => {
  const states: string[] = [];
  const asked = vi.spyOn(client, 'invalidateQueries');
  listen(client, { onState: (state) => states.push(state), onStudyChanged: () => {} });
  FakeEventSource.last.onopen();
  expect(asked).not.toHaveBeenCalled();
  FakeEventSource.last.onerror();
  FakeEventSource.last.onopen();
  expect(asked).toHaveBeenCalledWith();
  expect(states).toEqual(['connecting', 'live', 'lost', 'live']);
});

it('a stream closed by the server is opened anew and the session is looked at', () => {
  const asked = vi.spyOn(client, 'invalidateQueries');
  listen(client, { onState: () => {}, onStudyChanged: () => {} });
  const first = FakeEventSource.last;
  first.close();
  first.onerror();
  expect(asked).toHaveBeenCalledWith({ queryKey: keys.session });
  vi.advanceTimersByTime(5_000);
  expect(FakeEventSource.last).not.toBe(first);
});

it.each([
  ['worklist_changed', keys.worklist],
  ['performed_step_changed', keys.performedSteps],
])('on %s what shows it asks again', (event, queryKey) => {
  const asked = vi.spyOn(client, 'invalidateQueries');
  listen(client, { onState: () => {}, onStudyChanged: () => {} });
  FakeEventSource.last.tell({}, event);
  vi.advanceTimersByTime(1_000);
  expect(asked.mock.calls).toEqual([[{ queryKey }]]);
});
