%% One component under a supervisor that restarts it at once, as often as it takes.
-module(ward_restarts).
-behaviour(supervisor).

-export([start_link/0, component/1, init/1]).

start_link() -> supervisor:start_link(?MODULE, []).

component(Supervisor) ->
    [{_, Pid, _, _}] = supervisor:which_children(Supervisor),
    Pid.

init([]) ->
    {ok, {#{strategy => one_for_one, intensity => 1000000, period => 1},
          [#{id => component, start => {ward_component, start_link, [only]}}]}}.
