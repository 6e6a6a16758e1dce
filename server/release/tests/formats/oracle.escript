#!/usr/bin/env escript
%% Asks OTP what is in files. The folder given holds what is asked about; for each question one answer in one line.
%%
%%   consult/N     bytes of a file        file:consult/1: ok and the terms, or refused
%%   patterns      {Pattern, Vsn}.        how systools sees it: full, part, none or bad
%%   config/N/     sys.config and others  as -config takes it: ok and the settings, or refused
%%
%% Terms are written so that there is one way to write each: see written/1.
-mode(compile).

main([Folder]) ->
    ok = io:setopts([{encoding, unicode}]),
    Controller = controller(),
    [answer("consult", consulted(File)) || File <- numbered(Folder, "consult")],
    [answer("pattern", matched(Question)) || Question <- questions(Folder)],
    [answer("config", configured(Controller, Sub)) || Sub <- numbered(Folder, "config")].

answer(Kind, Answer) -> io:format("~s ~s~n", [Kind, Answer]).

numbered(Folder, Sub) ->
    {ok, Names} = file:list_dir(filename:join(Folder, Sub)),
    Numbers = lists:sort([list_to_integer(Name) || Name <- Names]),
    [filename:join([Folder, Sub, integer_to_list(Number)]) || Number <- Numbers].

%% On some texts file:consult/1 crashes.
consulted(File) ->
    try file:consult(File) of
        {ok, Terms} -> ["ok ", written(Terms)];
        {error, _} -> "refused"
    catch
        error:_ -> "refused"
    end.

questions(Folder) ->
    {ok, Questions} = file:consult(filename:join(Folder, "patterns")),
    Questions.

%% As systools_relup asks.
matched({Pattern, Vsn}) ->
    try re:run(Vsn, Pattern, [unicode, {capture, first, list}]) of
        {match, [Vsn]} -> "full";
        {match, _} -> "part";
        nomatch -> "none"
    catch
        error:badarg -> "bad"
    end.

%% The application controller under another name, with the functions that are asked when a node starts.
controller() ->
    Debug = beam_lib:chunks(code:which(application_controller), [abstract_code]),
    {ok, {_, [{abstract_code, {_, Forms}}]}} = Debug,
    Renamed = [renamed(Form) || Form <- Forms],
    {ok, Module, Code} = compile:forms(Renamed, [export_all, nowarn_export_all]),
    {module, Module} = code:load_binary(Module, "renamed", Code),
    Module.

renamed({attribute, At, module, _}) -> {attribute, At, module, renamed_controller};
renamed(Form) -> Form.

configured(Controller, Folder) ->
    ok = file:set_cwd(Folder),
    try
        Settings = Controller:conf_param_to_conf({config, filename:join(Folder, "sys")}),
        ok = Controller:check_conf_data(Settings),
        ["ok ", written(lists:sort([{App, lists:sort(Pairs)} || {App, Pairs} <- Settings, Pairs =/= []]))]
    catch
        _:_ -> "refused"
    end.

written(Term) when is_integer(Term) -> ["i", integer_to_list(Term)];
written(Term) when is_float(Term) -> ["f", hex(<<Term/float>>)];
written(Term) when is_atom(Term) -> ["a", hex(atom_to_binary(Term, utf8))];
written(Term) when is_binary(Term) -> ["b", hex(Term)];
written(Term) when is_tuple(Term) -> ["{", parts(tuple_to_list(Term)), "}"];
written(Term) when is_map(Term) ->
    Pairs = [lists:flatten([written(Key), "=>", written(Value)]) || {Key, Value} <- maps:to_list(Term)],
    ["#", lists:join(",", lists:sort(Pairs)), "#"];
written(Term) when is_list(Term) ->
    try length(Term) of
        _ -> ["[", parts(Term), "]"]
    catch
        error:badarg -> "!"
    end;
%% No term of ours: bit strings and funs, as improper lists.
written(_) -> "!".

parts(Terms) -> lists:join(",", [written(Term) || Term <- Terms]).

hex(Bytes) -> [io_lib:format("~2.16.0b", [Byte]) || <<Byte>> <= Bytes].
