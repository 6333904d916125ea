rec {
  fix =
    f:
    let
      x = f x;
    in
    x;

  # `f` extended by the overlay `overlay`: final: prev: { … }
  extends =
    overlay: f: final:
    let
      prev = f final;
    in
    prev // overlay final prev;

  # Two overlays as one; the second sees the first.
  composeExtensions =
    first: second: final: prev:
    let
      a = first final prev;
      prev' = prev // a;
    in
    a // second final prev';

  composeManyExtensions = builtins.foldl' composeExtensions (_: _: { });

  makeExtensible = makeExtensibleWithCustomName "extend";

  makeExtensibleWithCustomName =
    name: f:
    fix (
      final:
      (f final)
      // {
        ${name} = overlay: makeExtensibleWithCustomName name (extends overlay f);
      }
    );
}
