#!/usr/bin/perl
# dkimsign.pl KEY.pem rsa CANON - as dkimsign.py, by Mail::DKIM.
use strict;
use warnings;
use Mail::DKIM::PrivateKey;
use Mail::DKIM::Signer;

my ($key, $algorithm, $form) = @ARGV;
my %words = (r => 'relaxed', s => 'simple');
my $method = join '/', map { $words{$_} } split m{/}, $form;
while (my $path = <STDIN>) {
    chomp $path;
    open my $f, '<:raw', $path or die "$path: $!";
    my $text = do { local $/; <$f> };
    $text =~ s/\r?\n/\r\n/g;
    my $dkim = Mail::DKIM::Signer->new(
        Algorithm => "$algorithm-sha256", Method => $method,
        Domain => 'mail.test', Selector => 's1',
        Key => Mail::DKIM::PrivateKey->load(File => $key));
    $dkim->PRINT($text);
    $dkim->CLOSE;
    open my $out, '>:raw', "$path.signed" or die "$path.signed: $!";
    print $out $dkim->signature->as_string, "\r\n", $text;
}
