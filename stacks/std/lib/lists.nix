rec {
  inherit (builtins)
    all
    any
    concatLists
    concatMap
    elem
    elemAt
    filter
    foldl'
    genList
    head
    length
    map
    partition
    sort
    tail
    ;
  singleton = x: [ x ];
  optional = condition: x: if condition then [ x ] else [ ];
  optionals = condition: xs: if condition then xs else [ ];
  toList = x: if builtins.isList x then x else [ x ];
  flatten = x: if builtins.isList x then builtins.concatMap flatten x else [ x ];
  remove = x: builtins.filter (y: y != x);
  foldr =
    f: nul: list:
    let
      count = builtins.length list;
      go = n: if n == count then nul else f (builtins.elemAt list n) (go (n + 1));
    in
    go 0;
  fold = foldr;
  foldl =
    f: nul: list:
    let
      go = n: if n < 0 then nul else f (go (n - 1)) (builtins.elemAt list n);
    in
    go (builtins.length list - 1);
  imap0 = f: list: builtins.genList (n: f n (builtins.elemAt list n)) (builtins.length list);
  imap1 = f: imap0 (n: f (n + 1));
  range = first: last: if first > last then [ ] else builtins.genList (n: first + n) (last - first + 1);
  last = list: builtins.elemAt list (builtins.length list - 1);
  init = list: builtins.genList (builtins.elemAt list) (builtins.length list - 1);
  take = n: list: sublist 0 n list;
  drop = n: list: sublist n (builtins.length list) list;
  sublist =
    start: count: list:
    let
      rest = builtins.length list - start;
      size =
        if rest < 0 then
          0
        else if rest < count then
          rest
        else
          count;
    in
    builtins.genList (n: builtins.elemAt list (n + start)) size;
  reverseList =
    list:
    let
      n = builtins.length list;
    in
    builtins.genList (i: builtins.elemAt list (n - i - 1)) n;
  unique = builtins.foldl' (seen: x: if builtins.elem x seen then seen else seen ++ [ x ]) [ ];
  findFirst =
    predicate: default: list:
    let
      found = builtins.filter predicate list;
    in
    if found == [ ] then default else builtins.head found;
  count = predicate: list: builtins.length (builtins.filter predicate list);
  subtractLists = gone: builtins.filter (x: !builtins.elem x gone);
  intersectLists = kept: builtins.filter (x: builtins.elem x kept);
  zipListsWith =
    f: a: b:
    let
      n = builtins.length a;
      m = builtins.length b;
    in
    builtins.genList (i: f (builtins.elemAt a i) (builtins.elemAt b i)) (if n < m then n else m);
  zipLists = zipListsWith (fst: snd: { inherit fst snd; });
  forEach = list: f: map f list;
}
