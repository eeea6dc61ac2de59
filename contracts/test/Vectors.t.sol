// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.26;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {BatchHeader, Charge} from "../interfaces/BatchTypes.sol";
import {InferenceReceipt} from "../interfaces/InferenceReceipt.sol";
import {SpendAuthorization} from "../interfaces/IPaymentEscrow.sol";
import {Claim, Distribution} from "../interfaces/IRoyaltyDistributor.sol";
import {PaymentEscrow} from "../src/PaymentEscrow.sol";
import {ReceiptLedger} from "../src/ReceiptLedger.sol";
import {RoyaltyDistributor} from "../src/RoyaltyDistributor.sol";
import {World} from "./World.sol";

/// @notice The golden vectors of tests/vectors, which other people's encoders wrote, as the contracts see them.
contract VectorsTest is World {
    string private json;

    function setUp() public override {
        super.setUp();
        vm.chainId(901);
        json = vm.readFile("tests/vectors/protocol.json");
    }

    /* READING */

    function number(string memory path, string memory name) private view returns (uint256) {
        return vm.parseJsonUint(json, string.concat(path, ".", name));
    }

    function account(string memory path, string memory name) private view returns (address) {
        return vm.parseJsonAddress(json, string.concat(path, ".", name));
    }

    function word(string memory path, string memory name) private view returns (bytes32) {
        return vm.parseJsonBytes32(json, string.concat(path, ".", name));
    }

    function entry(string memory list, uint256 index) private pure returns (string memory) {
        return string.concat(list, "[", vm.toString(index), "]");
    }

    function has(string memory path) private view returns (bool) {
        return vm.keyExistsJson(json, path);
    }

    /// The contract's code at the vector's address, so that its EIP-712 domain is the vector's.
    function moved(address contract_, string memory path) private returns (address at) {
        at = account(path, "verifyingContract");
        vm.etch(at, contract_.code);
        vm.assertEq(number(path, "chainId"), 901);
    }

    function checkSigned(string memory path, bytes32 digest) private view {
        vm.assertEq(digest, word(path, "digest"));
        bytes memory given = vm.parseJsonBytes(json, string.concat(path, ".signature"));
        uint256 key = uint256(word(path, "privateKey"));
        vm.assertEq(keccak256(signature(key, digest)), keccak256(given));
        vm.assertEq(vm.addr(key), account(path, "signer"));
    }

    /* CHECKS */

    function test_receipts() external {
        uint256 index = 0;
        for (; has(entry(".receipts", index)); ++index) {
            string memory path = entry(".receipts", index);
            string memory message = string.concat(path, ".message");
            InferenceReceipt memory r = InferenceReceipt({
                operator: account(message, "operator"),
                lane: uint16(number(message, "lane")),
                seq: uint64(number(message, "seq")),
                payer: account(message, "payer"),
                assetId: uint32(number(message, "assetId")),
                requestHash: word(message, "requestHash"),
                responseHash: word(message, "responseHash"),
                inputUnits: uint24(number(message, "inputUnits")),
                outputUnits: uint24(number(message, "outputUnits")),
                feeUnits: uint64(number(message, "feeUnits")),
                attributionHash: word(message, "attributionHash"),
                startedAt: uint40(number(message, "startedAt")),
                durationMs: uint32(number(message, "durationMs"))
            });
            checkSigned(path, ReceiptLedger(moved(address(ledger), path)).receiptDigest(r));
        }
        vm.assertGe(index, 3);
    }

    function test_spend_authorizations() external {
        string memory path = ".authorization";
        string memory message = string.concat(path, ".message");
        SpendAuthorization memory a = SpendAuthorization({
            payer: account(message, "payer"),
            operator: account(message, "operator"),
            cumulativeCap: uint64(number(message, "cumulativeCap")),
            validUntil: uint40(number(message, "validUntil"))
        });
        checkSigned(path, PaymentEscrow(moved(address(escrow), path)).authorizationDigest(a));
    }

    function test_distributions() external {
        string memory path = ".distribution";
        string memory message = string.concat(path, ".message");
        Distribution memory d = Distribution({
            rootIndex: uint64(number(message, "rootIndex")),
            root: word(message, "root"),
            totalCumulative: number(message, "totalCumulative"),
            throughL2Block: uint64(number(message, "throughL2Block")),
            throughL2BlockHash: word(message, "throughL2BlockHash"),
            dataHash: word(message, "dataHash")
        });
        checkSigned(path, RoyaltyDistributor(moved(address(distributor), path)).distributionDigest(d));
    }

    function test_batch_commitments() external view {
        uint256 index = 0;
        for (; has(entry(".batchCommitments", index)); ++index) {
            string memory path = entry(".batchCommitments", index);
            bytes32[] memory hashes = vm.parseJsonBytes32Array(json, string.concat(path, ".versionedHashes"));
            bytes32 commitment =
                keccak256(abi.encode(headerAt(string.concat(path, ".header")), hashes, chargesAt(path)));
            vm.assertEq(commitment, word(path, "batchCommitment"));
            vm.assertEq(keccak256(abi.encodePacked(hashes)), word(path, "postHash"));
        }
        vm.assertGe(index, 2);
    }

    function headerAt(string memory path) private view returns (BatchHeader memory) {
        return BatchHeader({
            operator: account(path, "operator"),
            lane: uint16(number(path, "lane")),
            firstSeq: uint64(number(path, "firstSeq")),
            count: uint24(number(path, "count")),
            payerCount: uint24(number(path, "payerCount")),
            setFeCount: uint24(number(path, "setFeCount")),
            totalFee: uint128(number(path, "totalFee")),
            blobCount: uint8(number(path, "blobCount")),
            baseTime: uint40(number(path, "baseTime")),
            attributionMethod: word(path, "attributionMethod"),
            attributionParamsHash: word(path, "attributionParamsHash")
        });
    }

    function chargesAt(string memory path) private view returns (Charge[] memory charges) {
        uint256 count = 0;
        while (has(entry(string.concat(path, ".charges"), count))) ++count;
        charges = new Charge[](count);
        for (uint256 i = 0; i < count; ++i) {
            string memory at = entry(string.concat(path, ".charges"), i);
            charges[i] = Charge(account(at, "payer"), uint64(number(at, "amount")));
        }
    }

    /// Each tree is submitted and claimed whole, from a distributor whose token is the vector's.
    function test_distribution_trees() external {
        uint256 index = 0;
        for (; has(entry(".trees", index)); ++index) {
            string memory path = entry(".trees", index);
            address tokenAt = account(path, "token");
            vm.etch(tokenAt, address(token).code);
            (Claim[] memory claims, uint256 total) = claimsAt(path);
            distributor = new RoyaltyDistributor(
                IERC20(tokenAt), address(ledger), governor, attesters(), QUORUM
            );
            token = IERC20(tokenAt);
            fund(uint64(total));
            Distribution memory d = distribution(word(path, "root"), total);
            distributor.submitRoot(d, quorumFor(d));
            skip(1 days);
            for (uint256 i = 0; i < claims.length; ++i) {
                distributor.claim(1, claims[i].payee, claims[i].cumulative, claims[i].proof);
                vm.assertEq(distributor.claimed(claims[i].payee), claims[i].cumulative);
            }
            vm.assertEq(distributor.totalClaimed(), total);
        }
        vm.assertGe(index, 3);
    }

    function claimsAt(string memory path) private view returns (Claim[] memory claims, uint256 total) {
        uint256 count = 0;
        while (has(entry(string.concat(path, ".claims"), count))) ++count;
        claims = new Claim[](count);
        for (uint256 i = 0; i < count; ++i) {
            string memory at = entry(string.concat(path, ".claims"), i);
            claims[i].payee = account(at, "payee");
            claims[i].cumulative = vm.parseUint(vm.parseJsonString(json, string.concat(at, ".cumulative")));
            claims[i].proof = vm.parseJsonBytes32Array(json, string.concat(at, ".proof"));
            total += claims[i].cumulative;
        }
    }
}
