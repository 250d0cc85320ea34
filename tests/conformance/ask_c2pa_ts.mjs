// Prints what c2pa-ts says of each file, as JSON: node ask_c2pa_ts.mjs FOLDER
import * as fs from 'node:fs/promises';
import { BMFF, JPEG, MP3, PNG } from '@trustnxt/c2pa-ts/asset';
import { SuperBox } from '@trustnxt/c2pa-ts/jumbf';
import { ManifestStore } from '@trustnxt/c2pa-ts/manifest';

async function examine(data) {
  const Kind = [JPEG, PNG, BMFF, MP3].find((kind) => kind.canRead(data));
  if (!Kind) return { state: 'unsupported' };
  const asset = new Kind(data);
  const box = asset.getManifestJUMBF();
  if (!box) return { state: null };
  const store = ManifestStore.read(SuperBox.fromBuffer(box));
  const result = await store.validate(asset);
  const failure = result.statusEntries.filter((entry) => !entry.success);
  return {
    state: result.isValid ? 'Valid' : 'Invalid',
    active_manifest: store.getActiveManifest()?.label,
    validation_results: { activeManifest: { failure } },
  };
}

const folder = process.argv[2];
for (const [name] of JSON.parse(await fs.readFile(`${folder}/files.json`, 'utf8'))) {
  const said = await examine(await fs.readFile(`${folder}/${name}`))
    .catch((error) => ({ state: 'refused', message: String(error) }));
  console.log(JSON.stringify({ name, ...said }));
}
