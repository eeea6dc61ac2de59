// Claiming with the wallet in this browser (EIP-1193, found by EIP-6963 where there are several).
import { read } from "./api.js";

const CLAIM = "function claim(uint64 rootIndex, address payee, uint256 cumulative, bytes32[] proof)";
const announced = [];
addEventListener("eip6963:announceProvider", (event) => announced.push(event.detail.provider));
dispatchEvent(new Event("eip6963:requestProvider"));

export function hasWallet() {
  return Boolean(window.ethereum ?? announced[0]);
}

// Send the claim; the transaction's hash. Throws with a sentence when the wallet or the chain refuses.
export async function claim(proof) {
  const provider = window.ethereum ?? announced[0];
  if (!provider) throw new Error("there is no wallet in this browser");
  const { deployment } = await read("/v1/status");
  const { BrowserProvider, Contract } = await import("./vendor/ethers/ethers.min.js");
  const wanted = "0x" + deployment.l2_chain_id.toString(16);
  await provider.request({ method: "eth_requestAccounts" });
  if ((await provider.request({ method: "eth_chainId" })) !== wanted)
    await provider.request({ method: "wallet_switchEthereumChain", params: [{ chainId: wanted }] });
  const signer = await new BrowserProvider(provider, deployment.l2_chain_id).getSigner();
  const distributor = new Contract(proof.distributor, [CLAIM], signer);
  const sent = await distributor.claim(proof.root_index, proof.payee, proof.cumulative_units, proof.proof);
  return sent.hash;
}
