<?php

declare(strict_types=1);

namespace Upline\Commission\Console\Command;

use Symfony\Component\Console\Command\Command;
use Symfony\Component\Console\Input\InputInterface;
use Symfony\Component\Console\Input\InputOption;
use Symfony\Component\Console\Output\OutputInterface;
use Upline\Commission\Model\Connection;
use Upline\Commission\Model\Server;
use Upline\Commission\Model\Status;

/**
 * bin/magento upline:status
 */
class StatusCommand extends Command
{
    /**
     * @param Status $status
     * @param Server $server
     * @param Connection $connection
     */
    public function __construct(
        private readonly Status $status,
        private readonly Server $server,
        private readonly Connection $connection
    ) {
        parent::__construct();
    }

    /**
     * @inheritDoc
     */
    protected function configure(): void
    {
        $this->setName('upline:status')
            ->setDescription('Say whether Upline was told of every order')
            ->addOption('json', null, InputOption::VALUE_NONE, 'Print JSON')
            ->addOption('ask', null, InputOption::VALUE_NONE, 'Ask the server too: tests address, secret and clock');
    }

    /**
     * @inheritDoc
     */
    protected function execute(InputInterface $input, OutputInterface $output): int
    {
        $facts = $this->status->facts();
        if ($input->getOption('ask')) {
            foreach ($this->connection->all() as $connection) {
                $response = $this->server->call('status', [], 5.0, $connection);
                $facts['answer_' . $connection->websiteId()] = trim($response->status . ' ' . $response->detail);
            }
        }
        if ($input->getOption('json')) {
            $output->writeln(Server::json($facts));
        } else {
            foreach ($facts as $name => $value) {
                $shown = is_bool($value) ? ($value ? 'yes' : 'no') : (string) $value;
                $output->writeln(sprintf('%-18s %s', $name, $shown === '' ? '-' : $shown));
            }
        }
        return $facts['connected'] && $facts['hindrance'] === '' && $facts['parked'] === 0
            ? Command::SUCCESS
            : Command::FAILURE;
    }
}
