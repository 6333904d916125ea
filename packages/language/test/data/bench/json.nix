# A structure of 20,000 records, written as JSON, read again and written again.
let
  records = builtins.genList (i: {
    name = "package-${toString i}";
    version = [ i (i * 2) 1.5 null true ];
    meta = {
      homepage = "https://example.org/${toString i}";
      description = "a \"text\" with\nlines and a tab\t";
    };
  }) 20000;
  text = builtins.toJSON records;
in
builtins.stringLength (builtins.toJSON (builtins.fromJSON text))
