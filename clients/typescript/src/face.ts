/** A picture file's content: `File` of an input, `Blob` of a canvas, or bytes. */
export type Photo = Blob | Uint8Array | ArrayBuffer;

export type Photos = Photo | readonly Photo[];

/** Where a face comes from. `camera`, `directory`: of the service's own machine. `embedding`: 512 numbers of the served
 * model, for keys with the scope `embedding`. `livenessSession`: the frontal frame of one that was gone through.
 */
export type Face =
  | Photos
  | { camera: { maxFrames?: number } }
  | { directory: { dirPath: string; maxImages?: number } }
  | { embedding: readonly number[] }
  | { livenessSession: string };

export function isPhotos(face: Face): face is Photos {
  return Array.isArray(face) || isPhoto(face);
}

function isPhoto(face: unknown): boolean {
  return face instanceof Blob || face instanceof Uint8Array || face instanceof ArrayBuffer;
}

/** The parts of a form. */
export function partsOf(photos: Photos): Blob[] {
  const several: readonly Photo[] = Array.isArray(photos) ? photos : [photos as Photo];
  return several.map((photo) => (photo instanceof Blob ? photo : new Blob([new Uint8Array(photo)])));
}
