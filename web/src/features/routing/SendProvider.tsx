import { type ReactNode, useState } from 'react';
import { usePermission } from '../../api/queries';
import { SendStudyContext, type StudyToSend } from '../../ui/sendStudy';
import { SendDialog } from './SendDialog';

/** The one dialog that sends a study, for every screen below. */
export function SendProvider({ children }: { children: ReactNode }) {
  const maySend = usePermission('studies.send');
  const [study, setStudy] = useState<StudyToSend | null>(null);
  return (
    <SendStudyContext value={maySend ? setStudy : null}>
      {children}
      <SendDialog study={study} onClose={() => setStudy(null)} />
    </SendStudyContext>
  );
}
