import { useEffect, useState } from 'react';
import { useLiveChanges } from '../../api/LiveProvider';

/** How long a row that grew stays lit. */
const LIT_MS = 4_000;

/** The studies that grew or came in during the last seconds. */
export function useFresh(): ReadonlySet<string> {
  const [fresh, setFresh] = useState<ReadonlyMap<string, number>>(new Map());
  const subscribe = useLiveChanges();
  useEffect(
    () =>
      subscribe(({ study_instance_uid }) =>
        setFresh((before) => new Map(before).set(study_instance_uid, Date.now() + LIT_MS)),
      ),
    [subscribe],
  );
  useEffect(() => {
    if (!fresh.size) return;
    const timer = setTimeout(() => {
      const now = Date.now();
      setFresh((before) => new Map([...before].filter(([, until]) => until > now)));
    }, LIT_MS / 4);
    return () => clearTimeout(timer);
  }, [fresh]);
  return new Set(fresh.keys());
}
