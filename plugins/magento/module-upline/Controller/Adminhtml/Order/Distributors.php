<?php

declare(strict_types=1);

namespace Upline\Commission\Controller\Adminhtml\Order;

use Magento\Backend\App\Action;
use Magento\Framework\App\Action\HttpGetActionInterface;
use Magento\Framework\Controller\ResultFactory;
use Magento\Framework\Controller\ResultInterface;
use Upline\Commission\Model\Connection;
use Upline\Commission\Model\Server;

/**
 * Distributors whose id or code begins with what was typed.
 */
class Distributors extends Action implements HttpGetActionInterface
{
    public const ADMIN_RESOURCE = 'Upline_Commission::attribution';

    /**
     * @param Action\Context $context
     * @param Server $server
     * @param Connection $connection
     */
    public function __construct(
        Action\Context $context,
        private readonly Server $server,
        private readonly Connection $connection
    ) {
        parent::__construct($context);
    }

    /**
     * @inheritDoc
     */
    public function execute(): ResultInterface
    {
        $request = $this->getRequest();
        $search = substr(trim((string) $request->getParam('search')), 0, 64);
        $found = [];
        if ($search !== '') {
            $connection = $this->connection->at(max(0, (int) $request->getParam('website')));
            $answer = $this->server->call('distributors', ['search' => $search, 'limit' => 20], 3.0, $connection);
            foreach ((array) ($answer->data['data'] ?? []) as $one) {
                $found[] = [
                    'distributor_id' => (string) ($one['distributor_id'] ?? ''),
                    'code' => (string) ($one['code'] ?? ''),
                    'rank' => (string) ($one['rank'] ?? ''),
                ];
            }
        }
        return $this->resultFactory->create(ResultFactory::TYPE_JSON)->setData(['data' => $found]);
    }
}
