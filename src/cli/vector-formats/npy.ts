/**
 * The head of a NumPy file, format version 1.0: magic, the header's length, a Python dictionary padded with spaces so
 * that the data begins at a multiple of 64 bytes.
 */
export function npyHeader(rows: number, columns: number): Uint8Array {
  const dictionary = `{'descr': '<f4', 'fortran_order': False, 'shape': (${rows}, ${columns}), }`;
  const before = 10;
  const length = Math.ceil((before + dictionary.length + 1) / 64) * 64 - before;
  const head = Buffer.alloc(before + length, " ");
  head.write("\u0093NUMPY\u0001\u0000", "latin1");
  head.writeUInt16LE(length, 8);
  head.write(dictionary, before, "latin1");
  head.write("\n", before + length - 1);
  return head;
}
