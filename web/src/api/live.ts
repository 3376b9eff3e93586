/**
 * Live events from the server (`GET /api/live`, server-sent events) into the query cache.
 * A growing study changes where it is shown; a study that no list on screen holds makes the lists ask again.
 */
import type { QueryClient } from '@tanstack/react-query';
import { keys } from './queries';
import type { StudyChanged, StudyDetail, StudyPage } from './types';

export type LiveState = 'connecting' | 'live' | 'lost';

/** A scanner sends hundreds of images in a burst: ask again at most this often. */
const ASK_AGAIN_MS = 1_000;
/** After the server closed the stream for good (a restart, an ended session), try again this late. */
const RECONNECT_MS = 5_000;

/** Put new counts into every cached list and study; true if some list held the study. */
export function applyStudyChanged(client: QueryClient, change: StudyChanged): boolean {
  const { study_instance_uid, number_of_series, number_of_instances } = change;
  let held = false;
  client.setQueriesData<StudyPage>({ queryKey: keys.studies }, (page) => {
    if (!page?.studies.some((study) => study.study_instance_uid === study_instance_uid)) return page;
    held = true;
    const studies = page.studies.map((study) =>
      study.study_instance_uid === study_instance_uid
        ? { ...study, number_of_series, number_of_instances }
        : study,
    );
    return { ...page, studies };
  });
  client.setQueryData<StudyDetail>(keys.study(study_instance_uid), (study) =>
    study ? { ...study, number_of_series, number_of_instances } : study,
  );
  return held;
}

export interface LiveListener {
  onState: (state: LiveState) => void;
  onStudyChanged: (change: StudyChanged) => void;
}

/** Listen until the returned function is called. */
export function listen(client: QueryClient, { onState, onStudyChanged }: LiveListener): () => void {
  let source: EventSource | null = null;
  let askAgain: ReturnType<typeof setTimeout> | null = null;
  let reconnect: ReturnType<typeof setTimeout> | null = null;
  let wasLost = false;

  const outdated = new Map<string, readonly unknown[]>();
  const askAgainSoon = (key: readonly unknown[]) => {
    outdated.set(JSON.stringify(key), key);
    askAgain ??= setTimeout(() => {
      askAgain = null;
      for (const queryKey of outdated.values()) void client.invalidateQueries({ queryKey });
      outdated.clear();
    }, ASK_AGAIN_MS);
  };

  const connect = () => {
    reconnect = null;
    onState('connecting');
    source = new EventSource('/api/live');
    source.onopen = () => {
      onState('live');
      // What happened while nobody listened is not told again.
      if (wasLost) void client.invalidateQueries();
      wasLost = false;
    };
    source.onerror = () => {
      wasLost = true;
      onState('lost');
      if (source?.readyState !== EventSource.CLOSED) return;
      void client.invalidateQueries({ queryKey: keys.session });
      reconnect ??= setTimeout(connect, RECONNECT_MS);
    };
    source.addEventListener('study_changed', (event) => {
      const change = JSON.parse((event as MessageEvent<string>).data) as StudyChanged;
      if (!applyStudyChanged(client, change)) askAgainSoon(keys.studies);
      askAgainSoon(keys.study(change.study_instance_uid));
      askAgainSoon(keys.system);
      onStudyChanged(change);
    });
    source.addEventListener('transmission_changed', () => {
      askAgainSoon(keys.transmissions);
      askAgainSoon(keys.queue);
    });
    source.addEventListener('worklist_changed', () => askAgainSoon(keys.worklist));
    source.addEventListener('performed_step_changed', () => askAgainSoon(keys.performedSteps));
  };

  connect();
  return () => {
    source?.close();
    if (askAgain) clearTimeout(askAgain);
    if (reconnect) clearTimeout(reconnect);
  };
}
