"""How a query fares when columns of what it reads change: a labelled corpus.

Each line has a query that reads V and seven letters, one for each change of V: what becomes of the query.
"""

from __future__ import annotations

import pytest

from tests.lineage.corpus.world import BEFORE, CHANGES, judged
from warehouse_admin.lineage.grading import Grade

GRADES = {"s": Grade.SAFE, "r": Grade.RISKY, "c": Grade.CANNOT_TELL, "b": Grade.BREAKING}
UNION = "select * from V union all select 1, 2, 'x', m, l from T"

CORPUS = [
    # It does not read b.
    ("select a from V", "sssssss"),
    ("select V.a from V", "sssssss"),
    ("select a from V sample 0.1", "sssssss"),
    ("select a from V cross join W", "sssssss"),
    ("select count() as n from V", "sssssss"),
    ("select count(*) as n from V", "sssssss"),
    ("select a from V group by 1 order by 1", "sssssss"),
    ("select a from V union all select w from W", "sssssss"),
    ("select m.x.y as q from V", "sssssss"),
    ("select m['b'] as q from V", "sssssss"),
    ("select dictGet('d', 'b', a) as q from V", "sssssss"),
    ("select a from V where c = 'b' -- b", "sssssss"),
    ("select a from V array join l as item", "sssssss"),
    ("select q.* from (select a from V) q", "sssssss"),
    ("with q as (select a from V) select a from q", "sssssss"),
    ("select x.a from (select * from V) x", "sssssss"),
    ("select a from V where exists (select * from V v2 where v2.a = 1)", "sssssss"),
    ("with recursive r as (select a as n from V union all select n + 1 from r where n < 9) select n from r", "sssssss"),
    ("select a from events join V on events.x = V.a", "sssssss"),
    ("select V.person.email from V", "sssssss"),
    ("select B from V", "sssssss"),
    ("select 1 as one from W where 'b' = 'b'", "sssssss"),
    # Something else is called b, or V.
    ("with V as (select 1 as b) select b from V", "sssssss"),
    ("with b as (select 1 as z) select a from V", "sssssss"),
    ("with 5 as b select a + b as q from V", "sssssss"),
    ("select arrayMap(b -> b + 1, l) as q from V", "sssssss"),
    ("select toString(a) as b from V where b = '1'", "sssssss"),
    ("select a as b, c from V order by b", "sssssss"),
    ("select W.b from V join W on V.a = W.w", "sssssss"),
    ("select a from V left join W on W.w = a and W.k = 1 where W.b > 0", "sssssss"),
    # It reads b.
    ("select b from V", "bbsrcss"),
    ("select `b` from V", "bbsrcss"),
    ("select V.b from V", "bbsrcss"),
    ("select v.b as q from V as v", "bbsrcss"),
    ("select b as b2 from V", "bbsrcss"),
    ("select b as a2, a2 + 1 as q from V", "bbsccss"),
    ("select lower(b) as b from V", "bbsrcss"),
    ("select a from V where b > 1", "bbsrcss"),
    ("select a from V prewhere b = 1", "bbsrcss"),
    ("select a from V order by b", "bbsrcss"),
    ("select a, count() as n from V group by a, b", "bbsrcss"),
    ("select a from V group by a having any(b) > 1", "bbsrcss"),
    ("select a from V limit 1 by b", "bbsrcss"),
    ("select a from V qualify row_number() over (partition by b order by a) = 1", "bbsrcss"),
    ("select sum(a) over (partition by b) as s from V", "bbsrcss"),
    ("select sum(a) over w as s from V window w as (partition by b)", "bbsrcss"),
    ("select quantile(0.5)(b) as q from V", "bbsccss"),
    ("select if(b > 1, 'x', 'y') as q from V", "bbsrcss"),
    ("select case when b then 1 else 2 end as q from V", "bbsrcss"),
    ("select cast(b as String) as q from V", "bbsrcss"),
    ("select sum(b) as q from V", "bbsccss"),
    ("select least(a, b) as q from V", "bbsccss"),
    ("select f'{b}' as q from V", "bbsrcss"),
    ("select [a, b] as q from V", "bbsccss"),
    ("select (a, b).1 as q from V", "bbsccss"),
    ("select a between b and 10 as q from V", "bbsrcss"),
    ("select not b as q from V", "bbsrcss"),
    ("select b is null as q from V", "bbsrcss"),
    ("select a ?? b as q from V", "bbsccss"),
    ("select arrayMap(x -> x + b, l) as q from V", "bbsccss"),
    ("select item from V array join l as item where item > b", "bbsrcss"),
    ("select b from (select * from V)", "bbsrcss"),
    ("select b from (select * from (select * from V))", "bbsrcss"),
    ("with q as (select * from V) select b from q", "bbsrcss"),
    ("with q as (select b from V), r as (select * from q) select a from V join r on r.b = V.a", "bbsrcss"),
    ("with recursive r as (select b as n from V union all select n + 1 from r where n < 9) select n from r", "bbsccss"),
    ("select v1.a from V v1 join V v2 on v1.a = v2.b", "bbsrcss"),
    ("select w from V join W on V.b = W.b", "bbsrcss"),
    ("select w from V join W using (b)", "bbsrcss"),
    ("select b from V join W using (b)", "bbsrcss"),
    ("select w from W where w in (select b from V where a = 1)", "bbsrcss"),  # the b of W is not known in there
    ("select w from W where w in (select V.b from V)", "bbsrcss"),
    ("select (select max(b) from V) as top from W", "bbsrcss"),
    ("select (select max(V.b) from V) as top from W", "bbsrcss"),
    ("select a from V where exists (select 1 from W where W.w = V.b)", "bbsrcss"),
    ("select q from (select w as q from W) where exists (select b from V)", "bbsrcss"),
    ("select a from V where a in (select b from (select * from V))", "bbsrcss"),
    ("select a, c from V union distinct select b, c from V", "bbsccss"),
    ("select b from events join V on 1", "bbsrcss"),
    ("select b.x as q from V", "bbsccss"),
    # It reads all columns.
    ("select * from V", "rrsrcrs"),
    ("select v.* from V v join W on v.a = W.w", "rrsrcrs"),
    ("select * exclude (b) from V", "sssssss"),
    ("select * exclude (a) from V", "rrsrcss"),
    ("select columns('b') from V", "rrsrcss"),
    ("select columns('b|c') from V", "rrsrcss"),
    ("select columns('b.*') from V", "ccccccs"),
    ("select tuple(*) as t from V", "ccccccs"),
    ("select * from V order by 2", "rrsrcrs"),
    ("select * from V group by 2", "rrsrcrs"),
    # Columns that count by their place.
    (UNION, "brbccrs"),
    (f"select a from ({UNION})", "bsbrcrs"),
    ("select w from W where (w, w, w, w, w) in (select * from V)", "bsbrcrs"),
    ("select t.two from V as t(one, two, three, four, five)", "bsbrcrs"),
    ("select t.one from V as t(one, two, three, four, five)", "bsbrcrs"),
    ("(select a, b from V union all select w, k from W) order by b limit 3", "bbsccss"),
    (f"({UNION}) order by b", "brbccrs"),  # the grammar of PostHog drops this ORDER BY
    (f"({UNION}) order by 2", "brbccrs"),
    ("select distinct on (b) a from V", "bbsccss"),
    ("with q(one, two, three, four, five) as (select * from V) select two from q", "bsbrcrs"),
    # Names that a new column takes.
    ("select k from V join W on V.a = W.w", "ssbssss"),
    ("select W.k from V join W on V.a = W.w", "sssssss"),
    ("select a from V left join W on w = a and k = 1", "ssbssss"),
    ("select k from events join V on 1", "sscssss"),
    ("select k.x as q from V", "sscssss"),
    ("select w from W where w in (select k from V)", "ssrssss"),
    # What is not followed.
    ("select * from V pivot (count() for b in (1, 2))", "ccccccs"),
    ("select a from V union all select a from {other}", "ccccccs"),
]


@pytest.mark.parametrize(("dependent", "letters"), CORPUS)
def test_a_query_is_graded_for_each_change_of_what_it_reads(dependent: str, letters: str) -> None:
    found = {name: judged(BEFORE, after, dependent) for name, after in CHANGES.items()}

    told = {name: str(one.grade) for name, one in found.items()}
    assert told == {name: str(GRADES[letter]) for name, letter in zip(CHANGES, letters, strict=True)}
    assert all(one.why for one in found.values() if one.grade != Grade.SAFE)
