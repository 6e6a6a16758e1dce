#!/usr/bin/env escript
%% Answers questions with OTP's own systools, without writing files.
%%
%% Each question on standard input gets one line as its answer:
%%
%%   {Folder, New, UpFrom, DownTo, Options}.
%%   {ok, Relup, Warnings}. | {error, Module, Reason}. | {exception, Class}.
%%
%% Applications are first searched in lib/*/ebin and otp/*/ebin of the folder.
-mode(compile).

main([]) ->
    ok = io:setopts([{encoding, unicode}]),
    questions().

questions() ->
    case io:read('') of
        {ok, {Folder, New, UpFrom, DownTo, Options}} ->
            ok = file:set_cwd(Folder),
            Paths = folders("lib/*/ebin") ++ folders("otp/*/ebin"),
            io:format("~0tp.~n", [ask(New, UpFrom, DownTo, [{path, Paths} | Options])]),
            questions();
        eof ->
            ok
    end.

%% Sorted by name: lib/a-1 before lib/a-1.1.
folders(Wildcard) ->
    Parts = [filename:split(Folder) || Folder <- filelib:wildcard(Wildcard)],
    [filename:join(Folder) || Folder <- lists:sort(Parts)].

ask(New, UpFrom, DownTo, Options) ->
    try systools:make_relup(New, UpFrom, DownTo, [silent, noexec | Options]) of
        {ok, Relup, _Module, Warnings} -> {ok, Relup, Warnings};
        {error, Module, Reason} -> refused(Module, Reason)
    catch
        Class:_ -> {exception, Class}
    end.

%% Records in reasons are reduced to the names and versions in them.
refused(Module, {no_relup, File, App, Vsn}) ->
    {error, Module, {no_relup, File, {'#application', element(2, App), element(4, App)}, Vsn}};
refused(Module, {missing_sasl, Rel}) ->
    {error, Module, {missing_sasl, {'#release', element(2, Rel), element(3, Rel)}}};
refused(Module, Reason) ->
    case has_crashed(Reason) of
        true -> {exception, Module};
        false -> {error, Module, Reason}
    end.

%% True when the reason contains a crash of OTP.
has_crashed({'EXIT', _}) -> true;
has_crashed(Reason) when is_tuple(Reason) -> has_crashed(tuple_to_list(Reason));
has_crashed([Head | Tail]) -> has_crashed(Head) orelse has_crashed(Tail);
has_crashed(_) -> false.
