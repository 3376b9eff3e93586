/** What to offer where a modality is asked for (PS3.3 C.7.3.1.1.1); any other may be typed. */
export const MODALITIES = [
  'CT',
  'MR',
  'DX',
  'CR',
  'US',
  'MG',
  'RF',
  'XA',
  'NM',
  'PT',
  'BMD',
  'IO',
  'PX',
  'ES',
  'OT',
];

/** Common body parts (PS3.16 annex L) to offer; any other may be typed. */
export const BODY_PARTS = [
  'ABDOMEN',
  'ANKLE',
  'BREAST',
  'CHEST',
  'CSPINE',
  'ELBOW',
  'FOOT',
  'HAND',
  'HEAD',
  'HEART',
  'HIP',
  'KNEE',
  'LSPINE',
  'NECK',
  'PELVIS',
  'SHOULDER',
  'SKULL',
  'TSPINE',
  'WHOLEBODY',
  'WRIST',
];

/** Requested Procedure Priority (0040,1003), the most pressing first. */
export const PRIORITIES = ['STAT', 'HIGH', 'ROUTINE', 'MEDIUM', 'LOW'];
export const LATERALITIES = ['R', 'L', 'B', 'U'];
export const SEXES = ['F', 'M', 'O'];
/** Pregnancy Status (0010,21C0): 1 not, 2 possibly, 3 definitely, 4 unknown. */
export const PREGNANCIES = ['1', '2', '3', '4'];
