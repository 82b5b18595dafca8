"""Which functions give one value for many rows, another value each time, or the time of day."""

from __future__ import annotations

_AGGREGATES = frozenset(
    "count sum avg min max any anyLast anyHeavy argMin argMax uniq uniqExact uniqCombined uniqCombined64 uniqHLL12 "
    "median quantile quantiles quantileExact quantileTiming quantileTDigest stddevPop stddevSamp varPop varSamp "
    "covarPop covarSamp corr groupArray groupUniqArray groupArrayInsertAt groupBitAnd groupBitOr groupBitXor topK "
    "sumMap minMap maxMap skewPop skewSamp kurtPop kurtSamp simpleLinearRegression entropy".split()
)
_COMBINATORS = ("If", "Array", "Distinct", "OrNull", "OrDefault", "OrZero", "Merge", "State", "ForEach")
RANDOM = frozenset(
    "rand rand32 rand64 randCanonical randConstant randUniform randNormal randString randomString randomFixedString "
    "randomPrintableASCII randomStringUTF8 generateUUIDv4 generateUUIDv7 generateULID generateRandomStructure "
    "rowNumberInBlock rowNumberInAllBlocks blockNumber runningDifference runningAccumulate neighbor".split()
)
CLOCK = frozenset("now now64 nowInBlock today yesterday current_timestamp current_date currentTimestamp".split())


def is_aggregate(name: str) -> bool:
    """Whether a function gives one value for all rows of a group, `countIf` and the like included."""
    while name not in _AGGREGATES:
        suffix = next((one for one in _COMBINATORS if name.endswith(one) and name != one), "")
        if not suffix:
            return False
        name = name.removesuffix(suffix)
    return True
