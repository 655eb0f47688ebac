#!/bin/bash
# Two hosts on one machine: network namespaces with an address, a host name and an sshd each.
#   two_hosts.sh COMMAND...    runs the command on node1 (10.77.0.1), from where ssh reaches node2 (10.77.0.2) without a password
# Needs root, iproute2 and openssh-server; ends with 77 where there are none, or where no namespace may be made.
set -euo pipefail
namespaces=(taiyi-$$-1 taiyi-$$-2)
work=$(mktemp -d)
tidy() {
    for namespace in "${namespaces[@]}"; do
        ip netns pids "$namespace" 2> /dev/null | xargs -r kill || true
        ip netns del "$namespace" 2> /dev/null || true
        rm -rf "/etc/netns/$namespace"
    done
    rm -rf "$work"
}
trap tidy EXIT

sshd=$(PATH=$PATH:/usr/sbin command -v sshd) && command -v ip ssh > /dev/null && [ "$(id -u)" = 0 ] || exit 77
for namespace in "${namespaces[@]}"; do ip netns add "$namespace" || exit 77; done
ip link add eth0 netns "${namespaces[0]}" type veth peer name eth0 netns "${namespaces[1]}" || exit 77

ssh-keygen -q -t ed25519 -N '' -f "$work/key"
ssh-keygen -q -t ed25519 -N '' -f "$work/host"
cat > "$work/sshd.conf" << END
HostKey $work/host
AuthorizedKeysFile $work/key.pub
StrictModes no
UsePAM no
PidFile none
SetEnv PATH=$PATH OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
END
cat > "$work/ssh.conf" << END
IdentityFile $work/key
UserKnownHostsFile $work/known
StrictHostKeyChecking accept-new
LogLevel ERROR
END

# on HOST COMMAND...: with the network and the name of one of the two.
on() { ip netns exec "${namespaces[$1 - 1]}" unshare --uts sh -c 'hostname "$0"; exec "$@"' "node$1" "${@:2}"; }

mkdir -p /run/sshd
for host in 1 2; do
    namespace=${namespaces[$host - 1]}
    ip -n "$namespace" address add 10.77.0.$host/24 dev eth0
    ip -n "$namespace" link set eth0 up
    ip -n "$namespace" link set lo up
    mkdir -p "/etc/netns/$namespace"
    printf '127.0.0.1 localhost\n10.77.0.1 node1\n10.77.0.2 node2\n' > "/etc/netns/$namespace/hosts" # ip-netns(8) puts it over /etc/hosts
    on $host "$sshd" -D -f "$work/sshd.conf" &
done
for _ in {1..100}; do
    if on 1 ssh -F "$work/ssh.conf" node2 true 2> /dev/null; then break; fi
    sleep 0.1
done

export OMPI_MCA_plm_rsh_args="-F $work/ssh.conf" OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
on 1 "$@"
