/** The viewer is another page on this site. One named window: a second screen keeps its place. */
export const VIEWER_WINDOW = 'filmless-viewer';

export function viewerAddress(studyInstanceUid: string, seriesInstanceUid?: string): string {
  const params = new URLSearchParams({ StudyInstanceUIDs: studyInstanceUid });
  if (seriesInstanceUid) params.set('initialSeriesInstanceUID', seriesInstanceUid);
  return `/viewer/viewer?${params}`;
}

export function openViewer(studyInstanceUid: string): void {
  window.open(viewerAddress(studyInstanceUid), VIEWER_WINDOW);
}
