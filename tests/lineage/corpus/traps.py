"""Queries that look as if a change left them alone, or as if it did not."""

from __future__ import annotations

from tests.lineage.corpus import NOT_READ, READ, USED, Query

QUERIES = [
    # Rows that count as the same, and places of columns, with a star further in.
    Query("select a from (select distinct * from V)", "V", "a:integer", "rsrssss"),
    Query("select count() as n from (select distinct * from V)", "V", "n:integer", "rsrssss"),
    Query("select a from (select * from V union distinct select * from V)", "V", "a:integer", "rsrrcrs"),
    Query("select a from (select *, count() as n from V group by all)", "V", "a:integer", "rsrssss"),
    Query("select a from (select * from V limit 1 by 2)", "V", "a:integer", "rqsrcrs"),
    Query("select a from (select * from V order by 2 limit 3)", "V", "a:integer", "rqsrcrs"),
    Query("select a from (select * from V order by -1 limit 3)", "V", "a:integer", "ssrssss"),
    Query("select a from (select a, b from V order by 1 limit 3)", "V", "a:integer", READ),
    Query("select a from (select * from V order by c limit 3)", "V", "a:integer", NOT_READ),
    Query("select a from (select #2 as x, a from V) where x > 1", "V", "a:integer", "rqsrcrs"),
    Query("select count(*) as n from (select * from V)", "V", "n:integer", NOT_READ),
    Query("select count(distinct *) as n from V", "V", "n:integer", "rqrrpqs"),
    Query("select uniq(tuple(*)) as n from V", "V", "n:integer", "rqrrpqs"),
    # Names that stand for something else.
    Query("select a as b from V where b > 1", "V", "b:integer", NOT_READ),
    Query("select a as x from V where V.b > 1", "V", "x:integer", READ),
    Query("select toString(b) as b, b as c2 from V", "V", "b:string, c2:string", READ),
    Query("select V.x from (select b as x from V) V", "V", "x:integer", READ),
    Query("select V.b from W as V", "W", "b:integer", ""),
    Query("select T.b from T join V on T.a = V.a", "T, V", "b:integer", NOT_READ),
    Query("select b from (select W.b from W join V on V.a = W.w)", "W, V", "b:integer", NOT_READ),
    Query("select x from (select 1 as x, b from V)", "V", "x:integer", READ),
    Query(
        "select b1.b from (select b from W) b1 join (select a from V) b2 on b1.b = b2.a", "W, V", "b:integer", NOT_READ
    ),
    Query("select arrayMap(a -> a + V.b, l) as x from V", "V", "x:array", USED),
    Query("select arrayMap(m -> m.b, l) as x from V", "V", "x:array", NOT_READ),
    Query("select f(x := b) as q from V", "V", "q", USED),
    Query("select f(b := a) as q from V", "V", "q", NOT_READ),
    # Clauses that are easily overlooked.
    Query("select a from V limit (select max(V.b) from V)", "V", "a:integer", READ),
    Query("select a from V limit 1 offset (select max(V.b) from V)", "V", "a:integer", READ),
    Query("select a from V limit 1 by a, lower(c), b % 2", "V", "a:integer", READ),
    Query("select a from V order by if(a > 1, c, toString(b))", "V", "a:integer", READ),
    Query("select a from V window w as (partition by b)", "V", "a:integer", READ),
    Query("select a from V where a in (select w from W where k in (select b from V))", "V, W", "a:integer", READ),
    Query("select a from V where a in (select w from W where k in (select V.a from V))", "V, W", "a:integer", NOT_READ),
    Query("select w from W left join (select a from V where b = 1) q on q.a = w", "W, V", "w:integer", READ),
    Query("select a from V join W on if(V.b > 1, V.a, 0) = W.w", "V, W", "a:integer", READ),
    Query("select a from V join W on V.a = W.w and W.k in (select b from V)", "V, W", "a:integer", READ),
    Query("select w from W array join (select groupArray(b) from V) as x", "W, V", "w:integer", USED),
    Query("select w from W where w = (select a from V order by b limit 1)", "W, V", "w:integer", READ),
    Query("select <a href={b} /> as x, a from V", "V", "x, a:integer", USED),
    # Values of WITH inside of subqueries: a name in them may be another one there.
    Query("with a + 1 as n select a from V where a in (select w + n from W)", "V, W", "~a:integer", "SSSSSSs"),
    Query("with b + 1 as n select w from W where w in (select n from V)", "W, V", "~w:integer", "ccccccs"),
    Query("with 7 as n select w from W where w in (select n from V)", "W, V", "w:integer", NOT_READ),
    Query(
        "with (select max(b) from V) as n select w from W where w in (select n from T)", "V, W, T", "w:integer", READ
    ),
    # Long ways from V to the result.
    Query(
        "with q as (select * from V), r as (select * from q), s as (select * from r) select b from s",
        "V",
        "b:integer",
        READ,
    ),
    Query(
        "with q as (select * from V), r as (select a, c from q) select * from r", "V", "a:integer, c:string", NOT_READ
    ),
    Query(
        "select * from (select * exclude (b) from (select * from V))",
        "V",
        "a:integer, c:string, m:json, l:array",
        NOT_READ,
    ),
    Query(
        "select x.y from (select b as y from (select V.b from V join W on V.a = W.w)) as x", "V, W", "y:integer", READ
    ),
    Query("select a from (select V.* from V join W on V.a = W.w)", "V, W", "a:integer", NOT_READ),
    Query("select b from (select V.* from V join W on V.a = W.w)", "V, W", "b:integer", READ),
    Query("select w from (select * from W union all select a, c, l from V)", "W, V", "w:integer", NOT_READ),
    Query("select w from (select * from W union all select a, b, a from V)", "W, V", "w:integer", READ),
    Query("select a from V union all (select b from V union all select a from V)", "V", "a:integer", USED),
    Query(
        "with recursive r as (select a, b from V union all select a + 1, b from r where a < 3) select a from r",
        "V",
        "a:integer",
        READ,
    ),
]
