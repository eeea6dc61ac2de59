// Proofs worked out in this page: a payout's place in the distribution tree, a receipt's place in a blob.
import { keccak_256 } from "@noble/hashes/sha3.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex, concatBytes, hexToBytes } from "@noble/hashes/utils.js";

const MODULUS = 0x73eda753299d7d483339d80809a1d80553bda402fffe5bfeffffffff00000001n;
const ELEMENTS = 4096;
// [tau]G2 of the KZG ceremony.
const TAU_G2 = "b5bfd7dd8cdeb128843bc287230af38926187075cbfbefa81009a2ce615ac53d2914e5870cb452d2afaaab24f3499f72185cbfee53492714734429b7b38608e23926c911cceceac9a36851477ba4c60b087041de621000edc98edada20c1def2";

const bytes = (hex) => hexToBytes(hex.slice(2));
const word = (value) => bytes("0x" + BigInt(value).toString(16).padStart(64, "0"));
const number = (data) => BigInt("0x" + bytesToHex(data));

// Whether a payout stands in the tree of this root (OpenZeppelin's double-hashed leaves and sorted pairs).
export function payoutStands({ payee, token, cumulative, proof, root }) {
  let node = keccak_256(keccak_256(concatBytes(word(payee), word(token), word(cumulative))));
  for (const step of proof) {
    const sibling = bytes(step);
    const inOrder = number(node) < number(sibling) ? [node, sibling] : [sibling, node];
    node = keccak_256(concatBytes(...inOrder));
  }
  return "0x" + bytesToHex(node) === root.toLowerCase();
}

// The point at which a blob's polynomial takes the value of one element: the root of unity at the index read backwards.
export function pointOf(element) {
  const bits = element.toString(2).padStart(12, "0").split("").reverse().join("");
  return power(power(7n, (MODULUS - 1n) / BigInt(ELEMENTS)), BigInt(parseInt(bits, 2)));
}

function power(base, exponent) {
  let result = 1n;
  for (; exponent; exponent >>= 1n, base = (base * base) % MODULUS) if (exponent & 1n) result = (result * base) % MODULUS;
  return result;
}

// Whether the blob with this versioned hash has this value at the element: one pairing check, a fifth of a second.
export async function openingHolds(opening, versionedHash) {
  const commitment = bytes(opening.kzgCommitment);
  const name = "0x01" + bytesToHex(sha256(commitment)).slice(2);
  if (name !== versionedHash.toLowerCase() || !(opening.element < ELEMENTS)) return false;
  const { bls12_381: curve } = await import("@noble/curves/bls12-381.js");
  const G1 = curve.G1.Point, G2 = curve.G2.Point;
  const times = (point, scalar) => (scalar === 0n ? point.constructor.ZERO : point.multiply(scalar));
  try {
    const left = G1.fromBytes(commitment).subtract(times(G1.BASE, number(bytes(opening.value)) % MODULUS));
    const right = G2.fromHex(TAU_G2).subtract(times(G2.BASE, pointOf(opening.element)));
    const pairs = [{ g1: left, g2: G2.BASE.negate() }, { g1: G1.fromBytes(bytes(opening.proof)), g2: right }];
    const product = curve.pairingBatch(pairs.filter((pair) => !pair.g1.is0() && !pair.g2.is0()));
    return curve.fields.Fp12.eql(product, curve.fields.Fp12.ONE);
  } catch {
    return false;
  }
}

// What a receipt's proof file shows, or the sentence why it shows nothing.
export async function checkReceiptFile(file) {
  const { batch, place, chain } = file;
  const fes = new Map();
  for (const [n, opening] of batch.openings.entries()) {
    if (!(await openingHolds(opening, batch.versionedHashes[opening.blobIndex] ?? "0x")))
      throw new Error(`batch.openings[${n}]: the opening does not hold.`);
    fes.set(opening.blobIndex * ELEMENTS + opening.element, bytes(opening.value));
  }
  const at = (index) => fes.get(index) ?? fail(`batch.openings: field element ${index} is not opened.`);
  const [a, b] = [at(2 + 2 * place.position), at(3 + 2 * place.position)];
  const field = (data, from, length) => number(data.slice(from, from + length));
  const before = place.position ? field(at(1 + 2 * place.position), 16, 8) : 0n;
  const said = [
    ["digest31", "0x" + bytesToHex(a.slice(1)), place.digest31],
    ["seq", field(b, 1, 4) + BigInt(batch.header.firstSeq), place.seq],
    ["payer", batch.charges[Number(field(b, 5, 3))]?.payer, place.payer],
    ["assetId", field(b, 8, 4), place.assetId],
    ["fee", field(b, 16, 8) - before, place.fee],
    ["inputUnits", field(b, 24, 3), place.inputUnits],
    ["outputUnits", field(b, 27, 3), place.outputUnits],
    ["startedAt", field(b, 30, 2) + BigInt(batch.header.baseTime), place.startedAt],
  ];
  for (const [name, blob, stated] of said)
    if (String(blob) !== String(stated)) throw new Error(`place.${name}: the blob says ${blob}.`);
  return { batchId: batch.batchId, chain: chain.l2ChainId, commitment: batch.batchCommitment, ...place };
}

// Whether a payout file's tree proof holds; its blobs are for the command line.
export function checkPayoutFile(file) {
  const { payout, distribution, chain } = file;
  const line = { ...payout, token: chain.token, root: distribution.root };
  const exact = BigInt(payout.numerator), one = 10n ** 30n;
  if (exact / one !== BigInt(payout.cumulative)) throw new Error("payout.cumulative: it is not the numerator's whole units.");
  if (!payoutStands(line)) throw new Error("payout.proof: it does not lead from the leaf to the root.");
  const sum = file.sources.reduce((total, source) => total + BigInt(source.weightedFee) * BigInt(source.coefficient), 0n);
  if (sum !== exact) throw new Error("payout.numerator: the sources do not add up to it.");
  return { payee: payout.payee, cumulative: payout.cumulative, root: distribution.root, rootIndex: distribution.rootIndex, batches: file.batches.length };
}

function fail(sentence) {
  throw new Error(sentence);
}
