// Prints what c2pa-ts says of a file, as JSON.
import * as fs from 'node:fs/promises';
import { BMFF, JPEG, PNG } from '@trustnxt/c2pa-ts/asset';
import { SuperBox } from '@trustnxt/c2pa-ts/jumbf';
import { ManifestStore } from '@trustnxt/c2pa-ts/manifest';

const data = await fs.readFile(process.argv[2]);
const Kind = [JPEG, PNG, BMFF].find((kind) => kind.canRead(data));
const asset = new Kind(data);
const store = ManifestStore.read(SuperBox.fromBuffer(asset.getManifestJUMBF()));
const result = await store.validate(asset);
console.log(JSON.stringify({
  valid: result.isValid,
  codes: result.statusEntries.map((entry) => [entry.code, entry.success]),
  label: store.getActiveManifest()?.label,
}));
