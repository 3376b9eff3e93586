/** How any screen asks for the dialog that sends a study; who makes the dialog is the app's business. */
import { createContext, useContext } from 'react';

/** A series as the dialog lists it. */
export interface SeriesToSend {
  series_instance_uid: string;
  series_number: number | null;
  series_description: string | null;
  modality: string | null;
  number_of_instances: number;
}

export interface StudyToSend {
  study_instance_uid: string;
  /** DICOM PN text */
  patient_name: string;
  study_description: string | null;
  number_of_instances: number;
  /** Where they are known, the person may choose among them. */
  series_list?: readonly SeriesToSend[];
  /** The series that is chosen at first; without it, the whole study. */
  series_instance_uid?: string;
}

export type SendStudy = (study: StudyToSend) => void;

export const SendStudyContext = createContext<SendStudy | null>(null);

/** Opens the dialog; null for who may not send. */
export function useSendStudy(): SendStudy | null {
  return useContext(SendStudyContext);
}
